from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"

    def ready(self) -> None:
        from search import metrics
        from search.readiness import vocabulary_counted, vocabulary_in_step
        from vibomat import readiness
        from vibomat.observability import exposition

        readiness.register("vocabulary", vocabulary_in_step)
        readiness.register("vocabulary, recounted", vocabulary_counted, thorough=True)
        exposition.register(metrics.catalogue_import)
