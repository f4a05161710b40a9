#include "http/content_coding.h"

#include <zlib.h>
#include <zstd.h>

namespace reeve::http {
namespace {

Response json_reply(std::size_t bytes) {
  Response reply{.status = 200,
                 .headers = {{"Content-Type", "application/json"}, {"ETag", "\"a-1\""}},
                 .body = {}};
  while (reply.body.size() < bytes) reply.body += "{\"text\": \"again and again\"}";
  reply.body.resize(bytes);
  return reply;
}

std::string gunzipped(std::string text, std::size_t size) {
  std::string out(size + 100, '\0');
  z_stream stream{};
  EXPECT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::inflateEnd(&stream);
  return out;
}

std::string value_of(const Response& response, std::string_view name) {
  for (const Header& header : response.headers)
    if (header.name == name) return header.value;
  return "(none)";
}

TEST(ChooseCoding, TakesWhatIsPreferred) {
  const std::vector<std::pair<std::string_view, Coding>> rows = {
      {"", Coding::identity},
      {"gzip", Coding::gzip},
      {"GZip , deflate", Coding::gzip},
      {"gzip, deflate, br, zstd", Coding::zstd},
      {"gzip;q=1.0, zstd;q=0.5", Coding::gzip},
      {"gzip;q=0", Coding::identity},
      {"gzip;q=0, zstd; q=0.001", Coding::zstd},
      {"*", Coding::zstd},
      {"*;q=0, gzip", Coding::gzip},
      {"identity", Coding::identity},
      {"br, deflate", Coding::identity},
      {"gzip;q=nonsense", Coding::identity},
      {"gzip;q=7", Coding::identity},
      {",,;;,", Coding::identity}};
  for (const auto& [text, wanted] : rows) EXPECT_EQ(choose_coding(text), wanted) << text;
}

TEST(Shorten, GivesTheSameBackWhenItIsUnpacked) {
  for (const std::size_t bytes : {std::size_t{1025}, std::size_t{1'000'000}}) {
    const Response plain = json_reply(bytes);
    Response gzip = json_reply(bytes);
    shorten(gzip, Coding::gzip, SIZE_MAX);
    EXPECT_LT(gzip.body.size(), bytes / 3);
    EXPECT_EQ(gunzipped(gzip.body, bytes), plain.body);
    EXPECT_EQ(value_of(gzip, "Content-Encoding"), "gzip");
    EXPECT_EQ(value_of(gzip, "Vary"), "Accept-Encoding");
    EXPECT_EQ(value_of(gzip, "ETag"), "W/\"a-1\"");
    Response zstd = json_reply(bytes);
    shorten(zstd, Coding::zstd, SIZE_MAX);
    std::string back(bytes, '\0');
    EXPECT_EQ(::ZSTD_decompress(back.data(), bytes, zstd.body.data(), zstd.body.size()), bytes);
    EXPECT_EQ(back, plain.body);
  }
}

TEST(Shorten, LeavesAloneWhatItShould) {
  const auto stays = [](Response reply, Coding coding, std::size_t limit) {
    const std::string before = reply.body;
    shorten(reply, coding, limit);
    return reply.body == before && value_of(reply, "Content-Encoding") == "(none)";
  };
  EXPECT_TRUE(stays(json_reply(1024), Coding::gzip, SIZE_MAX));
  EXPECT_TRUE(stays(json_reply(5000), Coding::identity, SIZE_MAX));
  EXPECT_TRUE(stays(json_reply(5000), Coding::zstd, 4999));
  Response image = json_reply(5000);
  image.headers.front().value = "image/png";
  EXPECT_TRUE(stays(image, Coding::gzip, SIZE_MAX));
  Response noise = json_reply(5000);
  std::uint32_t state = 1;
  for (char& c : noise.body) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24);
  EXPECT_TRUE(stays(noise, Coding::gzip, SIZE_MAX));
}

}  // namespace
}  // namespace reeve::http
