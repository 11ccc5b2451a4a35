"""Forms of the admin for the catalogue, and how they read text."""

import json
import unicodedata
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError

from search.importing.columns import ID_LIMIT, LIST_LIMIT, NAME_LIMIT, ValueProblem
from search.importing.columns import isrc as read_isrc
from search.models import Artist, Track

LOST = "\ufffd"


def validate_line(value: str) -> None:
    """Raise ValidationError for what is no line of text that PostgreSQL can hold."""
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        raise ValidationError("Control characters and lone surrogates are not allowed.", "control")
    if LOST in value:
        # Django puts it where bytes aren't UTF-8, as a lone surrogate's.
        raise ValidationError("A character was lost here (\ufffd): type it again.", "lost")


class LineField(forms.CharField):
    """One line of text."""

    widget = AdminTextInputWidget(attrs={"class": "vLargeTextField"})
    default_validators = [validate_line]


class LinesField(SimpleArrayField):
    """A list of texts, typed one a line; blank lines and repetitions don't count."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            LineField(max_length=NAME_LIMIT),
            delimiter="\n",
            max_length=LIST_LIMIT // 10,
            widget=AdminTextareaWidget(attrs={"rows": 3}),
            **kwargs,
        )

    def to_python(self, value: Any) -> Any:
        lines = value.splitlines() if isinstance(value, str) else value or []
        kept = dict.fromkeys(line.strip() for line in lines if line.strip())
        return super().to_python("\n".join(kept))


class ExternalIdsDecoder(json.JSONDecoder):
    """Reads `{"service": "id"}`: every error is one that a form field expects."""

    def decode(self, text: str, *args: Any) -> dict[str, str]:
        try:
            ids = super().decode(text, *args)
        except RecursionError as error:
            raise json.JSONDecodeError("nested too deeply", text, 0) from error
        if not isinstance(ids, dict) or not all(isinstance(value, str) for value in ids.values()):
            raise json.JSONDecodeError("not an object of texts", text, 0)
        try:
            for value in (*ids, *ids.values()):
                validate_line(value)
        except ValidationError as error:
            raise json.JSONDecodeError(str(error.message), text, 0) from error
        return ids


class ExternalIdsField(forms.JSONField):
    widget = AdminTextareaWidget
    default_error_messages = {
        "invalid": 'Enter a JSON object of texts, such as {"spotify": "4uLU6hMCjMI75M1A2tKUQC"}.'
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(decoder=ExternalIdsDecoder, **kwargs)
        self.widget.attrs["rows"] = 3

    def clean(self, value: Any) -> dict[str, str]:
        return super().clean(value) or {}


class EntryForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the forms of artists and tracks share."""

    genres = LinesField(required=False, help_text="One a line.")
    external_id = LineField(
        required=False,
        max_length=ID_LIMIT,
        empty_value=None,
        label="External id",
        help_text="The row's id in its source, by which an import finds it again.",
    )
    external_ids = ExternalIdsField(
        required=False,
        label="External ids",
        help_text='Ids elsewhere, by service: {"musicbrainz": "…", "spotify": "…"}.',
    )


class ArtistForm(EntryForm):
    name = LineField(max_length=NAME_LIMIT)
    sort_name = LineField(max_length=NAME_LIMIT, required=False, help_text="Such as Beatles, The.")
    aliases = LinesField(required=False, help_text="Other names, in any script, one a line.")

    class Meta:
        model = Artist
        fields = (
            "name",
            "sort_name",
            "aliases",
            "genres",
            "popularity",
            "external_id",
            "external_ids",
            "is_sample",
        )


class TrackForm(EntryForm):
    title = LineField(max_length=NAME_LIMIT)
    artist_credit = LineField(
        max_length=NAME_LIMIT,
        required=False,
        help_text="As the release prints it, such as Jay-Z feat. Alicia Keys.",
    )
    album = LineField(max_length=NAME_LIMIT, required=False)
    isrc = LineField(
        label="ISRC", required=False, widget=AdminTextInputWidget, help_text="Such as GBAYE9200113."
    )

    class Meta:
        model = Track
        fields = (
            "title",
            "artist_credit",
            "album",
            "year",
            "duration_ms",
            "isrc",
            "genres",
            "popularity",
            "external_id",
            "external_ids",
            "is_sample",
        )

    def clean_isrc(self) -> str:
        try:
            return read_isrc(self.cleaned_data["isrc"])
        except ValueProblem as problem:
            raise ValidationError("This is no ISRC.", "isrc") from problem
