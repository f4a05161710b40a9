// What the engine and its supervisor, a visitor and a second `reeve` process say at a socket.
#include <variant>

#include "api/control_protocol.h"
#include "base/ensure.h"
#include "supervisor/protocol.h"
#include "supervisor/visit_protocol.h"
#include "tests/fuzz/fuzz.h"

namespace reeve::supervisor {
namespace {

/// A message that was read and is written again reads as itself.
template <class Message, class Decode>
void check_again(const Message& message, Decode decode) {
  std::string framed;
  std::visit([&](const auto& each) { append_message(framed, each); }, message);
  MessageBuffer buffer;
  buffer.append(framed);
  std::string_view payload;
  ENSURE(buffer.next(payload) == MessageBuffer::Next::message);
  ENSURE(decode(payload).has_value());
}

void read_stream(fuzz::Input& input) {
  MessageBuffer buffer;
  while (!input.is_empty()) {
    buffer.append(input.take(std::size_t{1} + input.byte()));
    std::string_view payload;
    while (true) {
      const MessageBuffer::Next next = buffer.next(payload);
      if (next == MessageBuffer::Next::corrupt) return;
      if (next == MessageBuffer::Next::incomplete) break;
      const auto engine = decode_from_engine(payload);
      const auto supervisor = decode_from_supervisor(payload);
      if (engine) check_again(*engine, decode_from_engine);
      if (supervisor) check_again(*supervisor, decode_from_supervisor);
    }
  }
}

void read_visit(std::string_view bytes) {
  if (const auto knock = decode_knock(bytes))
    ENSURE(knock->version != kProtocolVersion || decode_knock(encode_knock(*knock)) == knock);
  if (const auto news = decode_news(bytes)) ENSURE(decode_news(encode_news(*news)) == news);
}

void read_control(std::string_view line) {
  if (const auto request = api::decode_request(line))
    ENSURE(api::decode_request(api::encode_request(*request)));
  static_cast<void>(api::decode_reply(line));
}

}  // namespace
}  // namespace reeve::supervisor

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reeve::fuzz::Input input(data, size);
  switch (input.byte() % 4) {
    case 0: reeve::supervisor::read_visit(input.rest()); break;
    case 1: reeve::supervisor::read_control(input.rest()); break;
    default: reeve::supervisor::read_stream(input); break;
  }
  return 0;
}
