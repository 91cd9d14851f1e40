from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from nightlatch.fastapi import CurrentUser, Nightlatch, OptionalUser, require


@asynccontextmanager
async def lifespan(app):
    print(f"{app.title} is open")
    yield
    print(f"{app.title} is closed")


app = FastAPI(debug=True, title="Bookshop", lifespan=lifespan)
Nightlatch(app)


@app.get("/")
async def home(user: OptionalUser):
    if user is not None:
        return {"message": f"Signed in as {user.email}", "next": "/hello"}
    return {"message": "Nobody is signed in", "next": "/auth/sign-up"}


@app.get("/hello")
async def hello(user: CurrentUser):
    return {"message": f"Hello, {user.display_name}"}


@app.get("/reports", dependencies=[Depends(require(role="editor"))])
async def reports():
    return {"reports": []}
