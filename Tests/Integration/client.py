"""A customer's view of the gateway, over stubs generated from Proto/."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from kontor.accounting.v1 import billing_pb2, billing_pb2_grpc, prepaid_pb2, prepaid_pb2_grpc
from kontor.common.v1 import money_pb2, party_pb2
from kontor.identity.v1 import session_pb2, session_pb2_grpc, sign_up_pb2, sign_up_pb2_grpc
from kontor.organizations.v1 import organization_pb2, organization_pb2_grpc
from kontor.shop.v1 import catalogue_pb2, catalogue_pb2_grpc, order_pb2, order_pb2_grpc
from kontor.shop.v1 import product_pb2, product_pb2_grpc

PASSWORD = "plum-anchor-teapot-violin-42"


def new_id() -> str:
    return str(uuid.uuid4())


def money(minor_units: int, currency: str = "CHF") -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, minor_units=minor_units)


def party(given: str = "Ada", family: str = "Lovelace") -> party_pb2.BillingParty:
    return party_pb2.BillingParty(
        given_name=given,
        family_name=family,
        street="Bahnhofstrasse",
        building_number="1",
        postal_code="8001",
        town="Zürich",
        country_code="CH",
    )


@dataclass
class Failure:
    """What a refused call says."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)


def failure(error: grpc.RpcError) -> Failure:
    """Reads status, ErrorInfo and BadRequest of an error."""
    result = Failure(error.code(), error.details())
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            result.reason, result.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            result.fields = [violation.field for violation in bad.field_violations]
    return result


def refused(call: Callable, request: Any, **arguments: Any) -> Failure:
    """Makes a call that must fail, and returns what it says."""
    try:
        answer = call(request, **arguments)
    except grpc.RpcError as error:
        return failure(error)
    raise AssertionError(f"answered instead of failing: {answer}")


class Client:
    """Stubs on one channel, with the token of one session (or none)."""

    def __init__(self, channel: grpc.Channel):
        self.channel = channel
        self.token = ""
        self.refresh_token = ""
        self.sign_ups = sign_up_pb2_grpc.SignUpServiceStub(channel)
        self.sessions = session_pb2_grpc.SessionServiceStub(channel)
        self.users = session_pb2_grpc.UserServiceStub(channel)
        self.organizations = organization_pb2_grpc.OrganizationServiceStub(channel)
        self.catalogue = catalogue_pb2_grpc.CatalogueServiceStub(channel)
        self.orders = order_pb2_grpc.OrderServiceStub(channel)
        self.products = product_pb2_grpc.ProductServiceStub(channel)
        self.prepaid = prepaid_pb2_grpc.PrepaidServiceStub(channel)
        self.top_ups = prepaid_pb2_grpc.TopUpServiceStub(channel)
        self.provider_events = prepaid_pb2_grpc.ProviderEventServiceStub(channel)
        self.sandbox = prepaid_pb2_grpc.SandboxCardServiceStub(channel)
        self.due = billing_pb2_grpc.DueListServiceStub(channel)
        self.invoices = billing_pb2_grpc.InvoiceServiceStub(channel)

    @property
    def auth(self) -> dict[str, Any]:
        """Arguments of a call with this session's token."""
        return {"metadata": [("authorization", f"Bearer {self.token}")], "timeout": 20}

    def terms(self) -> str:
        return self.catalogue.GetCatalogue(catalogue_pb2.GetCatalogueRequest()).terms_version

    def plan(self, product_type: str, months: int) -> str:
        """The first plan of a type that has a price for the period and costs something."""
        plans = self.catalogue.ListPlans(
            catalogue_pb2.ListPlansRequest(product_type_id=product_type, currency_code="CHF")
        ).plans
        for plan in plans:
            for price in plan.prices:
                if price.months == months and price.amount.minor_units > 0:
                    return plan.plan_id
        raise AssertionError(f"no plan of {product_type} for {months} months")

    def lines(self, domain: str) -> list[catalogue_pb2.OrderLine]:
        """Web hosting for a year, and a domain."""
        return [
            catalogue_pb2.OrderLine(plan_id=self.plan("web-hosting", 12), months=12),
            catalogue_pb2.OrderLine(
                plan_id=self.plan("domain-name", 12), months=12, domain_name=domain
            ),
        ]

    def sign_up_request(self, address: str, domain: str, **changes: Any) -> sign_up_pb2.SignUpRequest:
        request = sign_up_pb2.SignUpRequest(
            request_id=new_id(),
            email=address,
            password=PASSWORD,
            party=party(),
            language=party_pb2.LANGUAGE_ENGLISH,
            accepted_terms_version=self.terms(),
            currency_code="CHF",
            lines=self.lines(domain),
        )
        for name, value in changes.items():
            setattr(request, name, value)
        return request

    def sign_in(self, address: str, password: str = PASSWORD) -> session_pb2.SignInResponse:
        answer = self.sessions.SignIn(
            session_pb2.SignInRequest(email=address, password=password, device_name="test"),
            timeout=20,
        )
        self.token = answer.tokens.access_token
        self.refresh_token = answer.tokens.refresh_token
        return answer

    def balance(self) -> int:
        return self.prepaid.GetPrepaidAccount(
            prepaid_pb2.GetPrepaidAccountRequest(currency_code="CHF"), **self.auth
        ).account.balance.minor_units

    def top_up(self, minor_units: int, deliveries: int = 1) -> prepaid_pb2.TopUp:
        """Tops up through the sandbox card provider; its event arrives `deliveries` times."""
        top_up = self.top_ups.CreateTopUp(
            prepaid_pb2.CreateTopUpRequest(
                request_id=new_id(),
                amount=money(minor_units),
                method=prepaid_pb2.TOP_UP_METHOD_CARD,
            ),
            **self.auth,
        ).top_up
        event = self.sandbox.CompleteCardPayment(
            prepaid_pb2.CompleteCardPaymentRequest(
                provider_reference=top_up.provider_reference, amount=top_up.amount
            )
        )
        for _ in range(deliveries):
            self.provider_events.DeliverProviderEvent(
                prepaid_pb2.DeliverProviderEventRequest(
                    provider=top_up.provider, payload=event.payload, signature=event.signature
                )
            )
        return self.top_ups.GetTopUp(
            prepaid_pb2.GetTopUpRequest(top_up_id=top_up.top_up_id), **self.auth
        ).top_up

    def movements(self) -> list[prepaid_pb2.PrepaidMovement]:
        """The whole statement, page by page."""
        found: list[prepaid_pb2.PrepaidMovement] = []
        token = ""
        while True:
            page = self.prepaid.ListPrepaidMovements(
                prepaid_pb2.ListPrepaidMovementsRequest(
                    currency_code="CHF", page_size=2, page_token=token
                ),
                **self.auth,
            )
            found.extend(page.movements)
            token = page.next_page_token
            if not token:
                return found


def persist(call: Callable, request: Any, timeout: float = 45, **arguments: Any) -> Any:
    """Repeats a call with the same request until it is answered, as a client whose server dies
    must: UNAVAILABLE, DEADLINE_EXCEEDED and CANCELLED leave the outcome open."""
    open_outcomes = {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
    deadline = time.monotonic() + timeout
    while True:
        try:
            return call(request, **arguments)
        except grpc.RpcError as error:
            if error.code() not in open_outcomes or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def until(condition: Callable[[], Any], timeout: float = 45) -> Any:
    """Waits until a condition answers something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not come true")
        time.sleep(0.05)


def open_account(stack: Any, address: str, domain: str) -> tuple[Client, sign_up_pb2.SignUp]:
    """A customer who has signed up by ordering and is signed in."""
    client = Client(stack.channel())
    sign_up = client.sign_ups.SignUp(client.sign_up_request(address, domain)).sign_up
    confirmed = client.sign_ups.ConfirmSignUp(
        sign_up_pb2.ConfirmSignUpRequest(
            request_id=new_id(),
            sign_up_id=sign_up.sign_up_id,
            code=stack.mailed_code(address),
        )
    ).sign_up
    complete = until(
        lambda: (
            state := client.sign_ups.GetSignUp(
                sign_up_pb2.GetSignUpRequest(sign_up_id=confirmed.sign_up_id)
            ).sign_up
        ).state
        == sign_up_pb2.SIGN_UP_STATE_COMPLETE
        and state
    )
    client.sign_in(address)
    return client, complete
