from django.apps import AppConfig


class EmbeddingsConfig(AppConfig):
    name = "embeddings"

    def ready(self) -> None:
        from embeddings import metrics, vectors
        from vibomat.observability import exposition

        exposition.register(metrics.waiting)
        vectors.register_dumpers()
