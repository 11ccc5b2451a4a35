from django.apps import AppConfig


class EmbeddingsConfig(AppConfig):
    name = "embeddings"

    def ready(self) -> None:
        from embeddings import metrics
        from vibomat.observability import exposition

        exposition.register(metrics.waiting)
