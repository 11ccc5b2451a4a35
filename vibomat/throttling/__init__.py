"""How many requests an address and a user may make.

Each has a bucket that holds as many requests as the rate says and fills again evenly: `60/min` is
60 at once, then one a second. Buckets lie in an unlogged table, so that all processes share them.
"""
