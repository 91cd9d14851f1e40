"""The project's routes, with Django REST framework."""

from __future__ import annotations

from datetime import timedelta

from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nightlatch.django.rest_framework import NightlatchAuthentication


class Me(APIView):
    """Tell who it is, in REST framework's way."""

    authentication_classes = (NightlatchAuthentication,)
    permission_classes = (IsAuthenticated,)
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        """Tell."""
        return Response({"username": request.user.get_username(), "aal": request.auth.aal})

    def post(self, request: Request) -> Response:
        """Ask for a fresh proof before something."""
        request.auth.require(max_age=timedelta(seconds=0))
        return Response({})


urlpatterns = [path("auth/", include("nightlatch.django.urls")), path("me", Me.as_view())]
