from flask import Flask

from nightlatch.flask import Nightlatch, current_user, login_required, require

app = Flask(__name__)
app.config.from_prefixed_env()  # FLASK_NIGHTLATCH__base_url=... and so on, in production
Nightlatch(app)


@app.get("/")
def home():
    if current_user.is_authenticated:
        return {"message": f"Signed in as {current_user.email}", "next": "/hello"}
    return {"message": "Nobody is signed in", "next": "/auth/sign-up"}


@app.get("/hello")
@login_required
def hello():
    return {"message": f"Hello, {current_user.name}"}


@app.get("/reports")
@require(role="editor")
def reports():
    return {"reports": []}


if __name__ == "__main__":
    app.run(debug=True)
