from django.contrib import admin
from django.urls import include, path

from bookshop import views

urlpatterns = [
    path("auth/", include("nightlatch.django.urls")),
    path("admin/", admin.site.urls),
    path("", views.home),
    path("hello", views.hello),
    path("reports", views.reports),
    path("sign-in", views.sign_in),
    path("sign-out", views.sign_out),
]
