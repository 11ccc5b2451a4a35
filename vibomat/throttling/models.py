from django.db import models


class Bucket(models.Model):
    """What an address or user has left, told by when their bucket is full again; one whose
    `full_at` has passed is full, and may be forgotten. `period` fills an empty one.

    The table is UNLOGGED: a crash of the server fills every bucket.
    """

    key = models.TextField(primary_key=True)
    period = models.DurationField()
    full_at = models.DateTimeField()

    class Meta:
        db_table = "throttle_bucket"
