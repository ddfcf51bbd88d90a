"""The one shape that every refusal has."""

ORIGIN = {"Origin": "https://smartmarket.az"}


def problem(response, status, kind):
    """Every refusal has one shape (RFC 9457), and one sentence."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    content = response.get_json()
    assert set(content) == {"type", "title", "status", "detail"}
    assert content["type"] == f"/problems/{kind}"
    assert content["status"] == status
    assert content["detail"].endswith((".", "?"))
    return content["detail"]
