"""Logging in and out by browser, for everybody. Staff can do so in the admin too."""

from django.contrib.auth.views import LoginView, LogoutView

from vibomat.throttling.scopes import throttled

from .forms import LoginForm

login = throttled("login")(
    LoginView.as_view(template_name="accounts/login.html", authentication_form=LoginForm)
)
logout = LogoutView.as_view()
