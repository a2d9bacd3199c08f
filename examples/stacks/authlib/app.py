import os
import requests
from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from flask import Flask

accounts = requests.Session()
accounts.auth = (os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])


class SessionValidator(IntrospectTokenValidator):
    def introspect_token(self, token_string):
        url = "http://127.0.0.1:4000/oauth/introspect"
        answer = accounts.post(url, data={"token": token_string}, timeout=5)
        answer.raise_for_status()
        return answer.json()

    def validate_token(self, token, scopes, request):
        super().validate_token(token, scopes, request)
        # An anonymous session is active, and has no user.
        if "sub" not in token:
            raise InvalidTokenError()


require_user = ResourceProtector()
require_user.register_token_validator(SessionValidator())
app = Flask(__name__)


@app.errorhandler(requests.RequestException)
def unavailable(error):
    return {"error": "unavailable"}, 503, {"Retry-After": "1"}


@app.route("/", methods=["GET", "POST"])
@require_user()
def home():
    return {"userId": current_token["sub"]}
