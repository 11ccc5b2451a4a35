"""The admin's form of an archive."""

import json
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError

from archives.content import parse_content, validate_content
from archives.models import Archive


def as_text(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


class ContentFormField(forms.Field):
    """An archive's content, typed as JSON; an error begins with its path in the content."""

    widget = AdminTextareaWidget(attrs={"rows": 30, "spellcheck": "false", "class": "json"})

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else as_text(value)

    def clean(self, value: Any) -> Any:
        content = parse_content(value or "{}")
        validate_content(content)
        return content

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(parse_content(data or "{}") != initial)
        except ValidationError:
            return True


class ArchiveForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses to save over what somebody changed since the form was shown."""

    content = ContentFormField(required=False, label="JSON")
    read_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Archive
        fields = (
            "name",
            "description",
            "owner",
            "visibility",
            "status",
            "provider",
            "provider_id",
            "last_synced",
            "deleted",
            "content",
        )
        widgets = {
            "name": AdminTextInputWidget(attrs={"class": "vLargeTextField"}),
            "description": AdminTextareaWidget(attrs={"rows": 3}),
            "status": AdminTextInputWidget,
            "provider": AdminTextInputWidget,
            "provider_id": AdminTextInputWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["read_revision"].required = True
            self.initial["read_revision"] = self.instance.revision

    def clean(self) -> dict[str, Any] | None:
        values = super().clean()
        read = self.cleaned_data.get("read_revision")
        if read is not None and read != self.instance.revision:
            raise ValidationError(
                "Somebody changed this archive meanwhile: open it again, then change it.", "stale"
            )
        return values
