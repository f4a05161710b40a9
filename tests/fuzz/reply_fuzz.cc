// The reply of a server that is asked (an identity provider), and the small texts of HTTP: codings
// that a client accepts, escapes, queries. A reply is the same however it is cut into pieces.
#include <zlib.h>
#include <zstd.h>

#include "base/ensure.h"
#include "http/content_coding.h"
#include "http/reply_reader.h"
#include "tests/fuzz/fuzz.h"

namespace reeve::http {
namespace {

struct Outcome {
  bool failed = false;
  bool complete = false;
  Response response;
};

Outcome read(std::string_view bytes, bool has_body, std::size_t piece) {
  ReplyReader reader(has_body, 4096);
  Outcome outcome;
  while (!bytes.empty()) {
    const auto done = reader.add(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    if (!done) return {.failed = true};
    outcome.complete = *done;
  }
  if (!outcome.complete) outcome.complete = reader.end().has_value();
  outcome.response = reader.take();
  return outcome;
}

void read_reply(fuzz::Input input, bool has_body) {
  const std::size_t piece = std::size_t{1} + input.byte();
  const std::string_view bytes = input.rest();
  const Outcome whole = read(bytes, has_body, SIZE_MAX);
  const Outcome pieces = read(bytes, has_body, piece);
  ENSURE(whole.failed == pieces.failed && whole.complete == pieces.complete);
  if (whole.failed || !whole.complete) return;
  ENSURE(whole.response.status == pieces.response.status);
  ENSURE(whole.response.body == pieces.response.body && whole.response.body.size() <= 4096);
}

std::string plain_of(const std::string& shortened, Coding coding, std::size_t size) {
  std::string out(size, '\0');
  if (coding == Coding::zstd) {
    ENSURE(ZSTD_decompress(out.data(), size, shortened.data(), shortened.size()) == size);
    return out;
  }
  z_stream stream{};
  ENSURE(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(shortened.data()));
  stream.avail_in = static_cast<uInt>(shortened.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(size);
  ENSURE(inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out == size);
  inflateEnd(&stream);
  return out;
}

void shorten_text(fuzz::Input input) {
  const Coding coding = choose_coding(input.part());
  Response response{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = {}};
  while (response.body.size() < 3000 && !input.is_empty()) {
    response.body.append(input.byte(), 'x');
    response.body += input.take(64);
  }
  const std::string before = response.body;
  shorten(response, coding, std::size_t{1} << 20);
  for (const Header& header : response.headers)
    if (header.name == "Content-Encoding")
      ENSURE(plain_of(response.body, coding, before.size()) == before);
}

void read_texts(std::string_view text) {
  if (const auto plain = percent_decode(text))
    ENSURE(percent_decode(percent_encode(*plain)) == plain);
  static_cast<void>(parse_query(text));
}

}  // namespace
}  // namespace reeve::http

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reeve::fuzz::Input input(data, size);
  switch (input.byte() % 4) {
    case 0: reeve::http::shorten_text(input); break;
    case 1: reeve::http::read_texts(input.rest()); break;
    case 2: reeve::http::read_reply(input, false); break;
    default: reeve::http::read_reply(input, true); break;
  }
  return 0;
}
