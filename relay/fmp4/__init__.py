"""Fragmented MP4 (ISO/IEC 14496-12): an init segment, then one fragment per video frame."""
