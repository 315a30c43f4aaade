"""Forgetting a user everywhere.

`erasing` sees it through, step by step: `places` are where a user's things are, and `logs` where
others speak of the user.  `redacting` says what is left of a publication, and `receipt` what is
gone.
"""
