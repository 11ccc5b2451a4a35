"""Copying a live older Vibomat's database into this one, any number of times.

The older database is only read, in one snapshot. Its rows are copied in batches into tables of
the schema `adopting`, where the functions of the apps' migrations convert them: so a row becomes
what it would have become by migrating the older database in place. From there they go into this
one's tables. `adopted_row` notes what came, so that a run stores what is missing or has changed
there, and leaves alone what was edited here.

- `source.py`: the older database, its schema and its rows
- `kinds.py`: what is copied, and by which rules
- `load.py`: a run, batch by batch
- `sql.py`: its statements
"""
