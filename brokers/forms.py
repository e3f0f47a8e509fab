"""The connect form, made from a broker's specification, and the settings of one account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from brokers.domain import Environment
from brokers.models import BrokerConnection
from brokers.protocol import BrokerSpec
from brokers.refusals import Refusal
from brokers.services import UNATTENDED

ENVIRONMENT_HELP = "Demo trades play money at the broker. Live is real money."
UNATTENDED_HELP = (
    "Stores the password, encrypted, so that the server can sign in by itself when a token cannot be renewed. "
    "Without it the password is used once and forgotten, and you may have to sign in again now and then."
)


class ConnectForm(forms.Form):
    """Environment, name, one field per credential. A secret is never shown again, not even after a mistake."""

    def __init__(
        self, spec: BrokerSpec, data: Any = None, connection: BrokerConnection | None = None
    ) -> None:
        super().__init__(data)
        self.spec = spec
        self._connection = connection
        if connection is None:
            self.fields["environment"] = _environment(spec)
            self.fields["label"] = forms.CharField(
                label="Name",
                required=False,
                max_length=80,
                help_text="What you call this login. Empty: we name it.",
            )
        for credential in spec.credential_fields:
            self.fields[f"credentials.{credential.name}"] = _credential(
                credential, optional=connection is not None
            )
        if any(field.name == "password" for field in spec.credential_fields):
            self.fields[UNATTENDED] = forms.BooleanField(
                label="Sign in again by itself", required=False, help_text=UNATTENDED_HELP
            )

    @property
    def environment(self) -> str:
        return self._connection.environment if self._connection else str(self.cleaned_data["environment"])

    @property
    def label(self) -> str:
        return str(self.cleaned_data.get("label", ""))

    @property
    def credentials(self) -> dict[str, str]:
        """What was typed in; what was left empty is not there."""
        found = {
            name.removeprefix("credentials."): str(value)
            for name, value in self.cleaned_data.items()
            if name.startswith("credentials.") and value
        }
        if self.cleaned_data.get(UNATTENDED):
            found[UNATTENDED] = "true"
        return found

    def take_refusal(self, refusal: Refusal) -> None:
        """Show a refusal of the broker, or of ours, at the fields it is about."""
        for name, sentence in refusal.fields.items():
            self.add_error(name if name in self.fields else None, sentence)
        if not refusal.fields:
            self.add_error(None, refusal.message)


def demo_first(spec: BrokerSpec) -> list[Environment]:
    """The broker's environments, play money before real money."""
    return sorted(spec.environments, key=lambda item: item is Environment.LIVE)


def _environment(spec: BrokerSpec) -> forms.ChoiceField:
    choices = [(item.value, item.value.title()) for item in demo_first(spec)]
    return forms.ChoiceField(
        label="Environment",
        choices=choices,
        initial=choices[0][0],
        help_text=ENVIRONMENT_HELP,
        widget=forms.RadioSelect,
    )


def _credential(credential: Any, *, optional: bool) -> forms.CharField:
    attributes = {"autocomplete": "off", "spellcheck": "false"}
    widget = (
        forms.PasswordInput(attrs={**attributes, "autocomplete": "new-password"})
        if credential.secret
        else forms.TextInput(attrs=attributes)
    )
    help_text = credential.help
    if optional:
        help_text = f"{help_text} Empty: as stored.".strip()
    return forms.CharField(
        label=credential.label,
        required=credential.required and not optional,
        help_text=help_text,
        widget=widget,
        strip=not credential.secret,
    )


class AccountForm(forms.Form):
    """What an owner sets for one account."""

    enabled = forms.BooleanField(required=False)
    label = forms.CharField(required=False, max_length=80)
    multiplier = forms.DecimalField(min_value=Decimal(0), max_digits=24, decimal_places=8)
    max_contracts = forms.DecimalField(required=False, min_value=Decimal(0), max_digits=24, decimal_places=8)

    def changes(self) -> dict[str, Any]:
        return dict(self.cleaned_data)
