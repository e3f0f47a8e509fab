"""Objects for tests. Every default is valid; a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from accounts.models import User
from brokers.models import BrokerAccount, BrokerConnection, Instrument, SymbolMapping
from strategies.models import Allocation, Order, Signal, Strategy, WebhookKey

PASSWORD = "correct-horse-battery-staple"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    password = factory.django.Password(PASSWORD)


class ConnectionFactory(DjangoModelFactory):
    class Meta:
        model = BrokerConnection

    user = factory.SubFactory(UserFactory)
    broker = "tradovate"
    environment = "demo"
    label = factory.Sequence(lambda n: f"login {n}")
    state = BrokerConnection.State.CONNECTED
    credentials = factory.LazyFunction(lambda: {"username": "trader", "password": "hidden"})


class BrokerAccountFactory(DjangoModelFactory):
    class Meta:
        model = BrokerAccount

    connection = factory.SubFactory(ConnectionFactory)
    user = factory.SelfAttribute("connection.user")
    environment = factory.SelfAttribute("connection.environment")
    external_id = factory.Sequence(lambda n: str(33000 + n))
    name = factory.Sequence(lambda n: f"DEMO{33000 + n}1")


class InstrumentFactory(DjangoModelFactory):
    class Meta:
        model = Instrument
        django_get_or_create = ("broker", "environment", "venue_id")

    broker = "tradovate"
    environment = "demo"
    venue_id = "3570918"
    venue_symbol = "MNQZ6"
    root = "MNQ"
    asset_class = "futures"
    exchange = "CME"
    tick_size = Decimal("0.25")
    point_value = Decimal(2)
    expires_at = factory.LazyFunction(lambda: datetime.now(UTC) + timedelta(days=28))


class SymbolMappingFactory(DjangoModelFactory):
    class Meta:
        model = SymbolMapping
        django_get_or_create = ("broker", "environment", "symbol")

    broker = "tradovate"
    environment = "demo"
    symbol = "MNQ1!"
    instrument = factory.SubFactory(InstrumentFactory)


class StrategyFactory(DjangoModelFactory):
    class Meta:
        model = Strategy

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"strategy {n}")
    symbol = "MNQ1!"


class WebhookKeyFactory(DjangoModelFactory):
    class Meta:
        model = WebhookKey

    strategy = factory.SubFactory(StrategyFactory)


class AllocationFactory(DjangoModelFactory):
    class Meta:
        model = Allocation

    strategy = factory.SubFactory(StrategyFactory)
    broker_account = factory.SubFactory(BrokerAccountFactory, user=factory.SelfAttribute("..strategy.user"))


class SignalFactory(DjangoModelFactory):
    class Meta:
        model = Signal

    strategy = factory.SubFactory(StrategyFactory)
    user = factory.SelfAttribute("strategy.user")
    received_at = factory.LazyFunction(lambda: datetime.now(UTC))
    raw_body = '{"ticker":"MNQ1!","action":"buy","quantity":1}'
    status = Signal.Status.ACCEPTED


class OrderFactory(DjangoModelFactory):
    class Meta:
        model = Order

    signal = factory.SubFactory(SignalFactory)
    strategy = factory.SelfAttribute("signal.strategy")
    user = factory.SelfAttribute("strategy.user")
    broker_account = factory.SubFactory(BrokerAccountFactory, user=factory.SelfAttribute("..user"))
    instrument = factory.SubFactory(InstrumentFactory)
    purpose = Order.Purpose.ENTRY
    client_order_id = factory.Sequence(lambda n: f"client{n:012d}")
    symbol = "MNQ"
    venue_symbol = "MNQZ6"
    side = "buy"
    quantity = Decimal(1)
