"""Bad input on every call of the path: a clear status, the field named, nothing changed."""

from __future__ import annotations

import socket
import ssl

import grpc
import pytest
from client import Client, Failure, failure, money, new_id, party, refused
from kontor.accounting.v1 import billing_pb2, prepaid_pb2
from kontor.common.v1 import date_pb2
from kontor.identity.v1 import session_pb2, sign_up_pb2
from kontor.organizations.v1 import organization_pb2
from kontor.shop.v1 import catalogue_pb2, order_pb2, product_pb2

INTERNAL = {
    "OrganizationProvisioningService",
    "AccessService",
    "OrderIntakeService",
    "RenewalService",
    "ChargeService",
    "SessionVerificationService",
}
MODULES = (
    sign_up_pb2,
    session_pb2,
    organization_pb2,
    catalogue_pb2,
    order_pb2,
    product_pb2,
    prepaid_pb2,
    billing_pb2,
)
PUBLIC = [
    (f"/{service.full_name}/{method.name}", method.input_type)
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    if service.name not in INTERNAL
    for method in service.methods
]
PATHS = [path for path, _ in PUBLIC]
# A call that takes no argument at all has no field to get wrong.
WITH_TEXT = [
    (path, field.number)
    for path, message in PUBLIC
    for field in message.fields
    if field.type == field.TYPE_STRING
]

INT64_MAX = 2**63 - 1


def raw(client: Client, path: str, payload: bytes) -> Failure:
    return refused(client.channel.unary_unary(path), payload, **client.auth)


def test_the_tables_cover_every_public_call():
    assert len(PATHS) == 39, "a call was added: does it stand in the tables below?"


@pytest.mark.parametrize("path", PATHS)
def test_an_unfinished_message_is_refused(customer, path):
    answer = raw(customer, path, b"\x0a\xff\xff\xff\xff\x0f")
    assert answer.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT), answer
    assert answer.reason, answer


@pytest.mark.parametrize("path,number", WITH_TEXT)
def test_text_that_is_not_utf8_is_refused(customer, path, number):
    if number > 15:
        pytest.skip("needs a two-byte tag")
    for text in (b"\xc3\x28", b"a\x00b"):
        tag = number << 3 | 2
        answer = raw(customer, path, bytes([tag, len(text)]) + text)
        assert answer.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT), answer
        assert answer.reason, answer


@pytest.mark.parametrize("path", PATHS)
def test_an_oversized_message_is_refused(customer, path):
    answer = raw(customer, path, b"\x0a\x80\x80\x80\x04" + b"a" * (8 << 20))
    assert answer.code == grpc.StatusCode.RESOURCE_EXHAUSTED, answer


@pytest.mark.parametrize("header", ["Bearer", "Basic x", "Bearer nonsense", "Bearer kat1.a.b.c", "Bearer kat1..."])
def test_a_token_that_is_none_is_refused(customer, header):
    for path, _ in PUBLIC:
        if path.split(".")[-1].split("/")[0] in (
            "SignUpService",
            "CatalogueService",
            "ProviderEventService",
            "SandboxCardService",
        ) or path.endswith(("/SignIn", "/RefreshSession")):
            continue
        answer = refused(
            customer.channel.unary_unary(path),
            b"",
            metadata=[("authorization", header)],
            timeout=20,
        )
        assert answer.code == grpc.StatusCode.UNAUTHENTICATED, (path, answer)
        assert answer.reason.startswith("TOKEN_"), (path, answer)


def test_a_token_that_was_changed_is_refused(customer):
    for position in range(0, len(customer.token), 7):
        flipped = "A" if customer.token[position] != "A" else "B"
        token = customer.token[:position] + flipped + customer.token[position + 1 :]
        answer = refused(
            customer.users.GetUser,
            session_pb2.GetUserRequest(),
            metadata=[("authorization", f"Bearer {token}")],
            timeout=20,
        )
        assert answer.code == grpc.StatusCode.UNAUTHENTICATED, (position, answer)


def sign_up(**changes):
    def build(client: Client):
        request = client.sign_up_request("bad-input@example.org", "bad-input.ch")
        for name, value in changes.items():
            target = request
            *path, last = name.split("__")
            for part in path:
                target = target[int(part)] if part.isdigit() else getattr(target, part)
            if value is None:
                target.ClearField(last)
            else:
                setattr(target, last, value)
        return client.sign_ups.SignUp, request

    return build


def order(**changes):
    def build(client: Client):
        request = order_pb2.PlaceOrderRequest(
            request_id=new_id(),
            lines=client.lines("bad-input.ch"),
            currency_code="CHF",
            recipient=party(),
            accepted_terms_version=client.terms(),
        )
        for name, value in changes.items():
            target = request
            *path, last = name.split("__")
            for part in path:
                target = target[int(part)] if part.isdigit() else getattr(target, part)
            if value is None:
                target.ClearField(last)
            else:
                setattr(target, last, value)
        return client.orders.PlaceOrder, request

    return build


def top_up(amount, method=prepaid_pb2.TOP_UP_METHOD_CARD, request_id=None):
    def build(client: Client):
        return client.top_ups.CreateTopUp, prepaid_pb2.CreateTopUpRequest(
            request_id=new_id() if request_id is None else request_id, amount=amount, method=method
        )

    return build


def call(service: str, method: str, request):
    return lambda client: (getattr(getattr(client, service), method), request)


WRONG_FIELDS = {
    "sign-up without a request id": (sign_up(request_id=""), "request_id"),
    "sign-up with an over-long request id": (sign_up(request_id="x" * 65), "request_id"),
    "sign-up without an address": (sign_up(email=""), "email"),
    "sign-up with no address": (sign_up(email="nobody"), "email"),
    "sign-up with a header in the address": (sign_up(email="a@b.ch\r\nBcc: c@d.ch"), "email"),
    "sign-up with an over-long address": (sign_up(email="a" * 300 + "@example.org"), "email"),
    "sign-up with a short password": (sign_up(password="short"), "password"),
    "sign-up with a common password": (sign_up(password="password1234"), "password"),
    "sign-up with an over-long password": (sign_up(password="x" * 129), "password"),
    "sign-up without a party": (sign_up(party=None), "party"),
    "sign-up without a first name": (sign_up(party__given_name=""), "party.given_name"),
    "sign-up with a control character": (sign_up(party__town="Z\x07rich"), "party.town"),
    "sign-up with an over-long street": (sign_up(party__street="x" * 71), "party.street"),
    "sign-up without terms": (sign_up(accepted_terms_version=""), "accepted_terms_version"),
    "sign-up with other terms": (sign_up(accepted_terms_version="0"), "accepted_terms_version"),
    "sign-up in another currency": (sign_up(currency_code="USD"), "currency_code"),
    "sign-up without lines": (sign_up(lines=None), "lines"),
    "sign-up for no such plan": (sign_up(lines__0__plan_id="nonsense"), "lines[0].plan_id"),
    "sign-up for no such period": (sign_up(lines__1__months=7), "lines[1].months"),
    "sign-up for a negative period": (sign_up(lines__0__months=-12), "lines[0].months"),
    "sign-up without the domain": (sign_up(lines__1__domain_name=""), "lines[1].domain_name"),
    "sign-up with no domain": (sign_up(lines__1__domain_name="-.x"), "lines[1].domain_name"),
    "a code without a sign-up": (
        call("sign_ups", "ConfirmSignUp", sign_up_pb2.ConfirmSignUpRequest(request_id="a", code="1")),
        "sign_up_id",
    ),
    "order without a request id": (order(request_id=""), "request_id"),
    "order without lines": (order(lines=None), "lines"),
    "order of no such plan": (order(lines__0__plan_id="x\ty"), "lines[0].plan_id"),
    "order in another currency": (order(currency_code="chf"), "currency_code"),
    "order without a recipient": (order(recipient=None), "recipient"),
    "order to nowhere": (order(recipient__country_code="Switzerland"), "recipient.country_code"),
    "order with other terms": (order(accepted_terms_version="nonsense"), "accepted_terms_version"),
    "an order that is no id": (
        call("orders", "GetOrder", order_pb2.GetOrderRequest(order_id="1")),
        "order_id",
    ),
    "payment by no method": (
        call(
            "orders",
            "PayOrder",
            order_pb2.PayOrderRequest(request_id=new_id(), order_id=new_id()),
        ),
        "payment_method",
    ),
    "payment by an unknown method": (
        call(
            "orders",
            "PayOrder",
            order_pb2.PayOrderRequest(request_id=new_id(), order_id=new_id(), payment_method=99),
        ),
        "payment_method",
    ),
    "cancelling nothing": (
        call("orders", "CancelOrder", order_pb2.CancelOrderRequest(request_id=new_id())),
        "order_id",
    ),
    "a page of minus one": (
        call("orders", "ListOrders", order_pb2.ListOrdersRequest(page_size=-1)),
        "page_size",
    ),
    "a page of a million": (
        call("products", "ListProducts", product_pb2.ListProductsRequest(page_size=1_000_000)),
        "page_size",
    ),
    "a made-up page token": (
        call("invoices", "ListInvoices", billing_pb2.ListInvoicesRequest(page_token="zz")),
        "page_token",
    ),
    "a product that is no id": (
        call("products", "GetProduct", product_pb2.GetProductRequest(product_id="../x")),
        "product_id",
    ),
    "top-up without an amount": (top_up(None), "amount"),
    "top-up of nothing": (top_up(money(0)), "amount.minor_units"),
    "top-up of less than nothing": (top_up(money(-500)), "amount.minor_units"),
    "top-up of too little": (top_up(money(499)), "amount.minor_units"),
    "top-up of too much": (top_up(money(1_000_001)), "amount.minor_units"),
    "top-up that overflows": (top_up(money(INT64_MAX)), "amount.minor_units"),
    "top-up in another currency": (top_up(money(1_000, "USD")), "amount.currency_code"),
    "top-up by no method": (top_up(money(1_000), method=0), "method"),
    "top-up by an unknown method": (top_up(money(1_000), method=77), "method"),
    "top-up without a request id": (top_up(money(1_000), request_id=""), "request_id"),
    "balance in another currency": (
        call("prepaid", "GetPrepaidAccount", prepaid_pb2.GetPrepaidAccountRequest(currency_code="?")),
        "currency_code",
    ),
    "due on no day": (
        call(
            "due",
            "ListDueItems",
            billing_pb2.ListDueItemsRequest(due_before=date_pb2.Date(year=2026, month=2, day=30)),
        ),
        "due_before",
    ),
    "quote of nothing": (
        call("due", "QuoteDueItems", billing_pb2.QuoteDueItemsRequest(request_id=new_id())),
        "due_item_ids",
    ),
    "payment of no quote": (
        call(
            "due",
            "PayDueItems",
            billing_pb2.PayDueItemsRequest(request_id=new_id(), payment_quote_id="x"),
        ),
        "payment_quote_id",
    ),
    "no invoice": (
        call("invoices", "GetInvoice", billing_pb2.GetInvoiceRequest(invoice_id="")),
        "invoice_id",
    ),
    "no organization": (
        call(
            "organizations",
            "GetOrganization",
            organization_pb2.GetOrganizationRequest(organization_id="x"),
        ),
        "organization_id",
    ),
    "sign-in with an over-long device name": (
        call(
            "sessions",
            "SignIn",
            session_pb2.SignInRequest(
                email="a@example.org", password="x" * 12, device_name="x" * 101
            ),
        ),
        "device_name",
    ),
}


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_a_wrong_field_is_named(customer, name):
    build, field = WRONG_FIELDS[name]
    method, request = build(customer)
    answer = refused(method, request, **customer.auth)
    assert answer.code == grpc.StatusCode.INVALID_ARGUMENT, answer
    assert answer.reason, answer
    assert field in answer.fields, answer


def test_every_wrong_field_is_named_at_once(customer):
    method, request = sign_up(
        email="x", password="short", party__town="", lines__0__plan_id="nonsense"
    )(customer)
    answer = refused(method, request)
    assert {"email", "password", "party.town"} <= set(answer.fields), answer


def test_a_request_id_with_another_request_is_refused(customer):
    request_id = new_id()
    method, request = top_up(money(1_000), request_id=request_id)(customer)
    first = method(request, **customer.auth).top_up
    assert method(request, **customer.auth).top_up.top_up_id == first.top_up_id
    method, request = top_up(money(2_000), request_id=request_id)(customer)
    answer = refused(method, request, **customer.auth)
    assert answer.code == grpc.StatusCode.ALREADY_EXISTS
    assert answer.reason == "IDEMPOTENCY_KEY_REUSED"

    sign_up_request = customer.sign_up_request("reuse@example.org", "reuse.ch")
    customer.sign_ups.SignUp(sign_up_request)
    sign_up_request.password = "another-password-entirely-9"
    answer = refused(customer.sign_ups.SignUp, sign_up_request)
    assert answer.code == grpc.StatusCode.ALREADY_EXISTS
    assert answer.reason == "IDEMPOTENCY_KEY_REUSED"


def test_after_all_that_nothing_changed(customer):
    assert customer.balance() == 0
    orders = customer.orders.ListOrders(order_pb2.ListOrdersRequest(), **customer.auth).orders
    assert len(orders) == 1
    assert not customer.products.ListProducts(
        product_pb2.ListProductsRequest(), **customer.auth
    ).products


def test_hostile_bytes_on_every_port_leave_the_stack_serving(stack, customer):
    hostile = [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + b"\x00" * 4096,
        bytes(range(256)) * 64,
    ]
    for port in range(stack.port, stack.port + 5):
        for payload in hostile:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(payload)
    context = ssl.create_default_context(cadata=stack.authority.decode())
    context.set_alpn_protocols(["h2"])
    for payload in hostile + [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4096]:
        with socket.create_connection(("127.0.0.1", stack.port), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                connection.sendall(payload)
    assert stack.command("status").returncode == 0
    assert customer.balance() == 0


def test_the_services_behind_the_gateway_refuse_a_client_without_a_certificate(stack):
    for port in range(stack.port + 1, stack.port + 5):
        channel = grpc.secure_channel(
            f"localhost:{port}", grpc.ssl_channel_credentials(stack.authority)
        )
        try:
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=5)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, failure(error)
        else:
            raise AssertionError("answered a client without a certificate")


