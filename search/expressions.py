"""PostgreSQL functions of the project's own, as Django expressions."""

from django.contrib.postgres.fields import ArrayField
from django.db.models import Func, IntegerField, TextField


class Normalise(Func):
    """Text as the search compares it: folded case, no accents, no punctuation."""

    function = "search_normalise"
    output_field = TextField()


class Key(Func):
    """The key of a normalised name: without spaces and without the, and, feat."""

    function = "search_key"
    output_field = TextField()


class Deletes(Func):
    """A word's symmetric deletes: hashes of its beginning with up to two characters left out."""

    function = "search_deletes"
    output_field = ArrayField(IntegerField())
