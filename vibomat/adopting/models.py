from django.db import models


class AdoptedRow(models.Model):
    """A row that came from the older database: what it was there, and what it was here then.

    Digests are MD5, kept as the 128 bits they are. That of the row here tells whether it was edited
    since; that of the row there, whether it changed since.
    """

    pk = models.CompositePrimaryKey("kind", "id")
    kind = models.TextField()
    id = models.UUIDField()
    source_digest = models.UUIDField()
    digest = models.UUIDField()

    class Meta:
        db_table = "adopted_row"

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
