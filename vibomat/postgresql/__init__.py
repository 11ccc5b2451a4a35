"""The database engine `vibomat.postgresql`: Django's own, with named connections."""
