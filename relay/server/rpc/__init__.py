"""`/rpc`: live views for whoever has HTTP and nothing else.

`endpoint` reads calls and writes answers, `methods` says what can be called, `session` is what one
client follows, and `sessions` are all of them.
"""
