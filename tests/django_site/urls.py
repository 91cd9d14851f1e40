"""Routes of the project that tests tell stories in, as a Django developer writes them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import include, path
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from nightlatch.django import RequireMixin, require


@login_required
def hello(request: HttpRequest) -> JsonResponse:
    """Greet who is signed in."""
    return JsonResponse({"message": f"Hello, {request.user.get_username()}"})


@csrf_exempt
def order(request: HttpRequest) -> JsonResponse:
    """Tell whether anybody is signed in, whatever the method."""
    return JsonResponse({"signed_in": request.user.is_authenticated, "by_auth": bool(request.auth)})


@login_required
def change(request: HttpRequest) -> JsonResponse:
    """Change something, behind Django's CSRF form guard."""
    return JsonResponse({"by": request.user.get_username()})


@require(scope="orders:read")
def orders(request: HttpRequest) -> JsonResponse:
    """Take API keys with a scope."""
    return JsonResponse({"by": request.user.get_username()})


def public(request: HttpRequest) -> HttpResponse:
    """Answer without asking who it is."""
    del request
    return HttpResponse("no need to know")


class Theirs(LoginRequiredMixin, View):
    """A class-based view, guarded in Django's way."""

    def get(self, request: HttpRequest) -> JsonResponse:
        """Tell who it is."""
        return JsonResponse({"email": request.user.email})


@permission_required("auth.add_group")
def groups(request: HttpRequest) -> JsonResponse:
    """Need a permission."""
    return JsonResponse({"ok": True, "user": request.user.get_username()})


@require(role="editor")
def reports(request: HttpRequest) -> JsonResponse:
    """Need a role."""
    return JsonResponse({"roles": list(request.auth.roles)})


@require(max_age=timedelta(minutes=5))
def vault(request: HttpRequest) -> JsonResponse:
    """Need a fresh proof."""
    return JsonResponse({"amr": list(request.auth.amr)})


@require(phishing_resistant=True)
def unphishable(request: HttpRequest) -> JsonResponse:
    """Need a proof that cannot be phished."""
    return JsonResponse({"amr": list(request.auth.amr)})


class VerySure(RequireMixin, View):
    """Need more than this installation can ask for."""

    required_aal = 2

    def get(self, request: HttpRequest) -> JsonResponse:
        """Never get here."""
        del request
        return JsonResponse({})


@require()
async def later(request: HttpRequest) -> JsonResponse:
    """Greet, asynchronously."""
    user = await request.auser()
    return JsonResponse({"username": user.get_username()})


@csrf_exempt
def json_sign_in(request: HttpRequest) -> JsonResponse:
    """Sign in by Django's own functions."""
    user = authenticate(request, **json.loads(request.body))
    if user is None:
        return JsonResponse({"error": "no"}, status=401)
    login(request, user)
    return JsonResponse({"username": request.user.get_username(), "level": request.auth.aal})


@csrf_exempt
@transaction.atomic
def sign_in_in_a_transaction(request: HttpRequest) -> JsonResponse:
    """Ask inside a transaction, as ATOMIC_REQUESTS would have it."""
    return json_sign_in(request)


@csrf_exempt
@transaction.non_atomic_requests
def own_transactions(request: HttpRequest) -> JsonResponse:
    """Sign in outside the transaction that ATOMIC_REQUESTS would have it in."""
    return json_sign_in(request)


@login_required
def name(request: HttpRequest) -> HttpResponse:
    """Tell what only the user's own row knows."""
    return HttpResponse(request.user.name)


@csrf_exempt
def just_log_in(request: HttpRequest) -> JsonResponse:
    """Sign in somebody whom nobody has asked for a password."""
    from django.contrib.auth import get_user_model

    login(request, get_user_model().objects.get(username="mia"))
    return JsonResponse({})


@csrf_exempt
def sign_out(request: HttpRequest) -> JsonResponse:
    """Sign out by Django's own function."""
    logout(request)
    return JsonResponse({"signed_in": request.user.is_authenticated, "by_auth": bool(request.auth)})


def basket(request: HttpRequest) -> JsonResponse:
    """Keep something in Django's session."""
    put = request.GET.get("put")
    if put:
        request.session["basket"] = put
    return JsonResponse({"basket": request.session.get("basket")})


def greeting(request: HttpRequest) -> HttpResponse:
    """Greet in a template."""
    template: Any = engines["django"].from_string("{{ user.email|default:'stranger' }}")
    return HttpResponse(template.render({}, request))


urlpatterns = [
    path("auth/", include("nightlatch.django.urls")),
    path("admin/", admin.site.urls),
    path("hello", hello),
    path("order", order),
    path("change", change),
    path("orders", orders),
    path("public", public),
    path("theirs", Theirs.as_view()),
    path("groups", groups),
    path("reports", reports),
    path("vault", vault),
    path("unphishable", unphishable),
    path("very-sure", VerySure.as_view()),
    path("later", later),
    path("json-sign-in", json_sign_in),
    path("atomic-sign-in", sign_in_in_a_transaction),
    path("own-transactions", own_transactions),
    path("name", name),
    path("just-log-in", just_log_in),
    path("sign-out", sign_out),
    path("basket", basket),
    path("greeting", greeting),
]
