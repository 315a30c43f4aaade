"""FLV: tag bodies to packets and back (Adobe Flash Video File Format, 10.1, annex E)."""
