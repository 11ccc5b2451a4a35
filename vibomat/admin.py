"""What the admin calls itself."""

from django.contrib import admin

admin.site.site_header = "Vibomat"
admin.site.site_title = "Vibomat"
admin.site.index_title = "Catalogue, archives and people"
