from django.test import Client


def test_the_admin_bears_the_projects_name(admin_client: Client) -> None:
    for page in (Client().get("/admin/login/"), admin_client.get("/admin/")):
        text = page.content.decode()
        assert "Vibomat</title>" in text
        assert "Django" not in text
