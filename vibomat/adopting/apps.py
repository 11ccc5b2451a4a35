from django.apps import AppConfig


class AdoptingConfig(AppConfig):
    name = "vibomat.adopting"
