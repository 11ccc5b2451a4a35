"""Admin pages that stay fast with millions of rows: lists in the order of an index, never counted
whole, filtered by what an index knows."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import (
    ERROR_FLAG,
    SEARCH_VAR,
    ChangeList,
    ChangeListSearchForm,
)
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

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

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; where Django left out filters that it could not read, it says so."""
        if ERROR_FLAG in request.GET and request.method == "GET":
            text = "A filter's value is none that there is: the list is shown without filters."
            self.message_user(request, text, messages.WARNING)
        return super().changelist_view(request, extra_context)

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


class ChoiceFilter(admin.SimpleListFilter):
    """Conditions by the value of the parameter, each with its title."""

    conditions: Mapping[str, tuple[str, Mapping[str, Any]]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, title) for value, (title, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in self.conditions:
            raise IncorrectLookupParameters
        return queryset.filter(**self.conditions[value][1])


class CreatedFilter(admin.SimpleListFilter):
    title = "created"
    parameter_name = "created"
    days = {"1": "in the last day", "7": "in the last week", "30": "in the last month"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.days.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in self.days:
            raise IncorrectLookupParameters
        return queryset.filter(created__gte=timezone.now() - timedelta(days=int(value)))


class LinkedFilter(admin.SimpleListFilter):
    """Rows that refer to one of `model`; shown only when an address asks for it."""

    model: type[Any]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = self.value()
        if value is None:
            return []
        try:
            return [(value, str(self.model.objects.get(pk=UUID(value))))]
        except (ValueError, self.model.DoesNotExist) as error:
            raise IncorrectLookupParameters from error

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(**{str(self.parameter_name): value})
