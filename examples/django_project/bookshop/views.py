import json

from django.contrib.auth import authenticate, login, logout
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from nightlatch.django import require


def home(request):
    if request.user.is_authenticated:
        return JsonResponse({"message": f"Signed in as {request.user.email}", "next": "/hello"})
    return JsonResponse({"message": "Nobody is signed in", "next": "/auth/sign-up"})


@require()
def hello(request):
    return JsonResponse({"message": f"Hello, {request.user.get_full_name()}"})


@require(role="editor")
def reports(request):
    return JsonResponse({"reports": [], "for": request.user.get_full_name()})


# Django's own functions, for a client of your own; `POST /auth/api/sign-in` does the same, and takes further steps.
@csrf_exempt  # Nightlatch's cookie counts for nothing on an unsafe request from another origin
@require_POST
def sign_in(request):
    body = json.loads(request.body)
    user = authenticate(request, username=body["identifier"], password=body["password"])
    if user is None:
        return JsonResponse({"error": "That is not right."}, status=401)
    login(request, user)
    return JsonResponse({"message": f"Welcome, {user.get_full_name()}"})


@csrf_exempt
@require_POST
def sign_out(request):
    logout(request)
    return JsonResponse({"message": "Bye."})
