"""Admin pages that stay fast with millions of rows: lists in the order of an index, never counted
whole, filtered by what an index knows."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from vibomat.pagination import EstimatingPaginator

MAX_SEARCH_LENGTH = 500

# An action on more rows at once would run into the statement timeout.
MOST_AT_ONCE = 1_000


class SearchForm(ChangeListSearchForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[SEARCH_VAR] = forms.CharField(
            required=False,
            strip=False,
            max_length=MAX_SEARCH_LENGTH,
            error_messages={"max_length": f"Search for at most {MAX_SEARCH_LENGTH} characters."},
        )


class IndexedChangeList(ChangeList):
    """A list in its index's order, whatever the address asks for."""

    search_form_class = SearchForm

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(self.model_admin.ordering or ())


class IndexedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """For large tables: `ordering` is an index's, and `list_filter` has classes that use one."""

    paginator = EstimatingPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IndexedChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the list's filters: any other lookup would read the whole table."""
        return lookup in {filter.parameter_name for filter in self.list_filter}  # type: ignore[union-attr]

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        if request.POST.get("select_across", "0") != "0":
            count = self.get_paginator(request, queryset, self.list_per_page).count
            if count > MOST_AT_ONCE:
                self.message_user(
                    request,
                    f"Select at most {MOST_AT_ONCE:,} rows: search for them, or go page by page.",
                    messages.ERROR,
                )
                return None
        return super().response_action(request, queryset, *args, **kwargs)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class UUIDAutocompleteSelect(AutocompleteSelect):
    """Django's, which can't show a form again with an id that is none."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        ids = []
        for given in filter(None, value):
            with suppress(ValueError):
                ids.append(str(UUID(given)))
        return super().optgroups(name, ids, attr)
