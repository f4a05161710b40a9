#include "supervisor/protocol.h"

#include <type_traits>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kLengthBytes = 4;

template <class T, class Variant, std::size_t I = 0>
constexpr std::size_t index_in() {
  if constexpr (std::is_same_v<T, std::variant_alternative_t<I, Variant>>) {
    return I;
  } else {
    return index_in<T, Variant, I + 1>();
  }
}

template <class Variant, class T>
void append_framed(std::string& out, const T& message) {
  const std::size_t start = out.size();
  out.append(kLengthBytes, '\0');
  Writer writer(out);
  writer.varint(index_in<T, Variant>());
  encode(writer, message);
  const std::size_t length = out.size() - start - kLengthBytes;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    out[start + i] = static_cast<char>((length >> (8 * i)) & 0xffU);
}

/// The greeting of another version: only its index and version can be read.
template <class Greeting, class Variant>
std::optional<Variant> decode_foreign_greeting(std::string_view payload) {
  Reader reader(payload);
  std::uint64_t index = 0;
  std::uint32_t version = 0;
  if (!reader.varint(index) || index != (index_in<Greeting, Variant>()) ||
      !decode(reader, version) || version == kProtocolVersion) {
    return std::nullopt;
  }
  Greeting greeting{};
  greeting.version = version;
  return greeting;
}

template <class Greeting, class Variant>
std::optional<Variant> decode_message(std::string_view payload) {
  if (auto foreign = decode_foreign_greeting<Greeting, Variant>(payload)) return foreign;
  Reader reader(payload);
  Variant message;
  if (!decode(reader, message) || !reader.at_end()) return std::nullopt;
  return message;
}

}  // namespace

void append_message(std::string& out, const Hello& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const Capacity& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const Launch& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const Stop& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const Probe& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const Forget& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const Detach& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const SecretsFor& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const EnterOrder& message) {
  append_framed<FromEngine>(out, message);
}
void append_message(std::string& out, const Welcome& message) {
  append_framed<FromSupervisor>(out, message);
}
void append_message(std::string& out, const Started& message) {
  append_framed<FromSupervisor>(out, message);
}
void append_message(std::string& out, const Progress& message) {
  append_framed<FromSupervisor>(out, message);
}
void append_message(std::string& out, const Ended& message) {
  append_framed<FromSupervisor>(out, message);
}
void append_message(std::string& out, const Answer& message) {
  append_framed<FromSupervisor>(out, message);
}
void append_message(std::string& out, const AttemptHold& message) {
  append_framed<FromSupervisor>(out, message);
}

void append_message(std::string& out, const Samples& message) {
  append_framed<FromSupervisor>(out, message);
}

std::optional<FromEngine> decode_from_engine(std::string_view payload) {
  auto message = decode_message<Hello, FromEngine>(payload);
  if (!message) return std::nullopt;
  const auto* const enter = std::get_if<EnterOrder>(&*message);
  return enter != nullptr && enter->command.empty() ? std::nullopt : message;
}

std::optional<FromSupervisor> decode_from_supervisor(std::string_view payload) {
  auto message = decode_message<Welcome, FromSupervisor>(payload);
  if (!message) return std::nullopt;
  if (const auto* ended = std::get_if<Ended>(&*message); ended && !is_valid(ended->end.outcome))
    return std::nullopt;
  if (const auto* hold = std::get_if<AttemptHold>(&*message); hold && !is_valid(hold->outcome))
    return std::nullopt;
  if (const auto* answer = std::get_if<Answer>(&*message);
      answer && answer->liveness > Liveness::ended) {
    return std::nullopt;
  }
  return message;
}

bool is_valid(const Outcome& outcome) {
  return static_cast<std::size_t>(outcome.kind) < kOutcomeClassCount &&
         static_cast<std::size_t>(outcome.reason.code) < reason_table().size();
}

MessageBuffer::Next MessageBuffer::next(std::string_view& payload) {
  const std::string_view rest = std::string_view(bytes_).substr(read_);
  std::size_t length = 0;
  if (rest.size() >= kLengthBytes) {
    for (std::size_t i = 0; i < kLengthBytes; ++i)
      length |= static_cast<std::size_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
    if (length > kMessageBytesMax) return Next::corrupt;
  }
  if (rest.size() < kLengthBytes || rest.size() - kLengthBytes < length) {
    bytes_.erase(0, read_);
    read_ = 0;
    return Next::incomplete;
  }
  payload = rest.substr(kLengthBytes, length);
  read_ += kLengthBytes + length;
  return Next::message;
}

void MessageBuffer::clear() {
  bytes_.clear();
  read_ = 0;
}

}  // namespace reeve::supervisor
