import json
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from wsgiref.simple_server import make_server

# The headers that decide: who the user is, and whether a page of another site sent the request.
DECIDING = ["Cookie", "Authorization", "Origin", "Sec-Fetch-Site", "User-Agent"]


def verify(environ):
    """Returns the status for the client, and the id of the user if it is 200."""
    names = {name: "HTTP_" + name.upper().replace("-", "_") for name in DECIDING}
    headers = {name: environ[key] for name, key in names.items() if key in environ}
    headers["X-Forwarded-Method"] = environ["REQUEST_METHOD"]
    headers["X-Forwarded-Host"] = environ["HTTP_HOST"]
    headers["X-Forwarded-For"] = environ["REMOTE_ADDR"]
    try:
        answer = urlopen(Request("http://127.0.0.1:4000/auth/verify", headers=headers), timeout=5)
        return 200, answer.headers["X-Auth-User-Id"]
    except HTTPError as refusal:
        return (refusal.code if refusal.code in (401, 403) else 503), None
    except OSError:
        return 503, None


def app(environ, start_response):
    status, user_id = verify(environ)
    start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/json")])
    return [json.dumps({"userId": user_id}).encode()]


if __name__ == "__main__":
    make_server("127.0.0.1", 3000, app).serve_forever()
