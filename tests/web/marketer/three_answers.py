"""Three answers to a shop's banner, and the login of who looks at them."""

from datetime import UTC, datetime

from flask.testing import FlaskClient

from consent_server.site import OPTIONAL

TODAY = datetime.now(UTC).date()


def log_in(client: FlaskClient, name: str, password: str, **fields: str):
    return client.post("/login", data={"name": name, "password": password, **fields})


def three_answers(shopper) -> None:
    """One accepts all, one refuses, one allows analytics and takes it back; two more only look."""
    for _ in range(5):
        assert shopper.client.post(f"/v1/{shopper.site.id}/shown").status_code == 204
    for allow in (OPTIONAL, (), ("analytics",)):
        shopper.token = None
        assert shopper.decide(*allow, how="accept" if len(allow) == 3 else "save").status_code == 201
    assert shopper.decide(how="preferences").status_code == 201
