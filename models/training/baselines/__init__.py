"""What a network has to beat: plain methods, fitted to the same rows and measured on the same."""
