from django.apps import AppConfig


class ThrottlingConfig(AppConfig):
    name = "vibomat.throttling"
    label = "throttling"
