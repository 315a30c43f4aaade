"""What users keep here: JSON documents with versions, defaults and a way back."""
