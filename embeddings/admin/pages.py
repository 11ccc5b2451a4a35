"""What the pages here have in common: they show."""

from vibomat.indexed_admin import IndexedAdmin, ReadOnlyAdmin


class LookingAdmin(ReadOnlyAdmin, IndexedAdmin):
    empty_value_display = ""

    class Media:
        css = {"all": ["embeddings/admin.css"]}
