"""Files of events and verdicts, packed or not, of any size: read, cut, scored, written, resumed."""
