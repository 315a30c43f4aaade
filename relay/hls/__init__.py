"""HLS (RFC 8216 and its second edition, draft-pantos-hls-rfc8216bis): decisions and playlists."""
