from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "vibomat.accounts"
    label = "accounts"
