-- Run once, by the image's first start, as the server's administrator in the new database: Vibomat
-- gets a role that owns the database and nothing else, and the extensions it may not create itself.
\set password `cat /run/secrets/database_password`
CREATE ROLE vibomat LOGIN PASSWORD :'password';
ALTER DATABASE :"DBNAME" OWNER TO vibomat;
CREATE EXTENSION fuzzystrmatch;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION unaccent;
CREATE EXTENSION vector;
