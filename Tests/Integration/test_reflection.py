"""What a tool without our proto files finds out, and that it is enough to make a call."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from client import failure

PUBLIC = {
    "kontor.identity.v1.SignUpService",
    "kontor.identity.v1.SessionService",
    "kontor.identity.v1.UserService",
    "kontor.organizations.v1.OrganizationService",
    "kontor.shop.v1.CatalogueService",
    "kontor.shop.v1.OrderService",
    "kontor.shop.v1.ProductService",
    "kontor.accounting.v1.PrepaidService",
    "kontor.accounting.v1.TopUpService",
    "kontor.accounting.v1.ProviderEventService",
    "kontor.accounting.v1.SandboxCardService",
    "kontor.accounting.v1.DueListService",
    "kontor.accounting.v1.InvoiceService",
}
INFRASTRUCTURE = {
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}
INTERNAL = [
    "kontor.identity.v1.SessionVerificationService",
    "kontor.organizations.v1.AccessService",
    "kontor.shop.v1.OrderIntakeService",
    "kontor.accounting.v1.ChargeService",
]


@pytest.fixture(scope="module")
def channel(stack):
    with stack.channel() as channel:
        yield channel


@pytest.fixture(scope="module")
def database(channel):
    """The reflection client of grpcio, which speaks v1alpha."""
    return ProtoReflectionDescriptorDatabase(channel)


def test_the_gateway_lists_what_clients_may_call(database):
    assert set(database.get_services()) == PUBLIC | INFRASTRUCTURE


def test_everything_listed_resolves_to_its_last_message(database):
    pool = descriptor_pool.DescriptorPool(database)
    methods = 0
    for name in database.get_services():
        service = pool.FindServiceByName(name)
        assert service.methods, name
        for method in service.methods:
            for message in (method.input_type, method.output_type):
                message_factory.GetMessageClass(message)().SerializeToString()
                assert pool.FindMessageTypeByName(message.full_name) is message
            methods += 1
    assert methods > 40


def test_a_method_is_called_by_reflection_alone(channel, database):
    pool = descriptor_pool.DescriptorPool(database)
    method = pool.FindMethodByName("kontor.shop.v1.CatalogueService.ListPlans")
    request = message_factory.GetMessageClass(method.input_type)
    answer = message_factory.GetMessageClass(method.output_type)
    call = channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=request.SerializeToString,
        response_deserializer=answer.FromString,
    )
    plans = call(request(product_type_id="web-hosting"), timeout=20).plans
    assert plans
    assert all(plan.plan_id and plan.prices for plan in plans)


def ask(channel: grpc.Channel, version: str, *requests):
    stream = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return list(stream(iter(requests), timeout=20))


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_questions_on_one_stream_are_answered_in_order(channel, version):
    request = reflection_pb2.ServerReflectionRequest
    questions = [
        request(host="a", list_services=""),
        request(host="b", file_containing_symbol="kontor.common.v1.Money"),
        request(host="c", file_containing_symbol="kontor.common.v1.Nothing"),
        request(host="d", file_by_filename="google/rpc/error_details.proto"),
        request(host="e", all_extension_numbers_of_type="kontor.common.v1.Money"),
        request(host="f"),
    ]
    answers = ask(channel, version, *questions)
    assert [answer.original_request for answer in answers] == questions
    assert [answer.valid_host for answer in answers] == list("abcdef")
    assert [answer.WhichOneof("message_response") for answer in answers] == [
        "list_services_response",
        "file_descriptor_response",
        "error_response",
        "file_descriptor_response",
        "all_extension_numbers_response",
        "error_response",
    ]
    assert answers[2].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("name", INTERNAL)
def test_internal_services_look_as_if_they_did_not_exist(channel, database, name):
    assert name not in database.get_services()
    (answer,) = ask(
        channel, "v1", reflection_pb2.ServerReflectionRequest(file_containing_symbol=name)
    )
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


def test_a_service_behind_the_gateway_answers_the_operator_only(stack):
    def names(certificate: str) -> set[str]:
        folder = stack.folder / "certificates"
        credentials = grpc.ssl_channel_credentials(
            stack.authority,
            (folder / f"{certificate}.key").read_bytes(),
            (folder / f"{certificate}.pem").read_bytes(),
        )
        with grpc.secure_channel(f"localhost:{stack.port + 3}", credentials) as channel:
            (answer,) = ask(
                channel, "v1", reflection_pb2.ServerReflectionRequest(list_services="")
            )
            return {service.name for service in answer.list_services_response.service}

    assert "kontor.shop.v1.OrderIntakeService" in names("kontor-operator")
    with pytest.raises(grpc.RpcError) as refusal:
        names("kontor-identity")
    assert failure(refusal.value).reason == "PEER_NOT_ALLOWED"
