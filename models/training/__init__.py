"""From labelled texts to an artefact."""
