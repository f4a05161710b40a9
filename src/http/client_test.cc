// The client against the server: both sides of what docs/security.md says of HTTP.
#include "http/client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>

#include "base/fd.h"
#include "http/reply_reader.h"
#include "http/server.h"

namespace reeve::http {
namespace {

/// Answers with what it was asked.
std::unique_ptr<Server> echo_server(std::string address, Limits limits = {}) {
  ServerOptions options;
  options.addresses = {std::move(address)};
  options.limits = limits;
  auto server = Server::open(std::move(options), [](Request request, const Responder& responder) {
    const std::string* const wish = request.header("x-wish");
    if (wish != nullptr && *wish == "stream") {
      const Stream stream = responder.stream({.status = 200, .headers = {}, .body = "first "});
      stream.write("second ");
      stream.write(std::string(100'000, 'x'));
      return stream.end();
    }
    // Of ten bytes: all, too few, one too many.
    if (wish != nullptr && wish->starts_with("sized ")) {
      const Stream stream = responder.stream({.status = 200, .headers = {}, .body = "12345"}, 10);
      stream.write(wish->substr(6));
      return stream.end();
    }
    responder.reply({.status = wish != nullptr && *wish == "nothing" ? 204 : 200,
                     .headers = {{"X-Method", request.method}},
                     .body = request.path + "|" + request.query + "|" + request.body});
  });
  EXPECT_TRUE(server);
  (*server)->start();
  return *std::move(server);
}

Client client_of(const Server& server, ClientOptions options = {}) {
  const std::string address = server.addresses().front();
  auto parsed = ServerAddress::parse(address.starts_with("unix:") ? address : "http://" + address);
  EXPECT_TRUE(parsed);
  return Client(*std::move(parsed), std::move(options));
}

TEST(HttpClient, IsAnsweredAgainAndAgainOnOneConnection) {
  const auto server = echo_server("127.0.0.1:0");
  Client client = client_of(*server);
  for (int i = 0; i < 3; ++i) {
    const auto reply =
        client.send({.method = "POST", .target = "/a?b=c", .headers = {}, .body = "text"});
    ASSERT_TRUE(reply) << reply.error().text();
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "/a|b=c|text");
  }
  EXPECT_EQ(server->counters().connections, 1U);
}

TEST(HttpClient, StreamsOfAKnownLengthAreWholeOrBreakOff) {
  const auto server = echo_server("127.0.0.1:0");
  Client client = client_of(*server);
  const auto ask = [&](std::string method, std::string_view rest) {
    return client.send({.method = std::move(method),
                        .target = "/",
                        .headers = {{"X-Wish", "sized " + std::string(rest)}},
                        .body = {}});
  };
  for (int i = 0; i < 2; ++i) {
    const auto whole = ask("GET", "67890");
    ASSERT_TRUE(whole) << whole.error().text();
    EXPECT_EQ(whole->body, "1234567890");
    const auto head = ask("HEAD", "67890");
    ASSERT_TRUE(head) << head.error().text();
    EXPECT_EQ(head->body, "");
  }
  EXPECT_EQ(server->counters().connections, 1U);
  EXPECT_FALSE(ask("GET", "6789"));
  EXPECT_FALSE(ask("GET", "67890 and a reply that nobody asked for"));
  EXPECT_TRUE(ask("GET", "67890"));
}

TEST(HttpClient, ReadsStreamsEmptyRepliesAndHeads) {
  const auto server = echo_server("127.0.0.1:0");
  Client client = client_of(*server);
  const auto streamed = client.send({.target = "/", .headers = {{"X-Wish", "stream"}}, .body = {}});
  ASSERT_TRUE(streamed) << streamed.error().text();
  EXPECT_EQ(streamed->body, "first second " + std::string(100'000, 'x'));
  const auto empty = client.send({.target = "/", .headers = {{"X-Wish", "nothing"}}, .body = {}});
  ASSERT_TRUE(empty) << empty.error().text();
  EXPECT_EQ(empty->status, 204);
  const auto head = client.send({.method = "HEAD", .target = "/", .headers = {}, .body = {}});
  ASSERT_TRUE(head) << head.error().text();
  EXPECT_EQ(head->body, "");
  const auto after = client.send({.target = "/after", .headers = {}, .body = {}});
  ASSERT_TRUE(after) << after.error().text();
  EXPECT_EQ(after->body, "/after||");
}

TEST(HttpClient, SpeaksThroughUnixSockets) {
  const std::string path = "/tmp/reeve-client-test-" + std::to_string(::getpid()) + ".sock";
  const auto server = echo_server("unix:" + path);
  Client client = client_of(*server);
  const auto reply = client.send({.target = "/here", .headers = {}, .body = {}});
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->body, "/here||");
}

TEST(HttpClient, ComesAgainWhenAConnectionThatWasKeptIsClosed) {
  auto server = echo_server("127.0.0.1:0");
  const std::string address = server->addresses().front();
  Client client = client_of(*server);
  ASSERT_TRUE(client.send({.target = "/", .headers = {}, .body = {}}));
  server.reset();
  const auto nobody = client.send({.target = "/", .headers = {}, .body = {}});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::unavailable);
  server = echo_server(address);
  EXPECT_TRUE(client.send({.target = "/", .headers = {}, .body = {}}));
}

TEST(HttpClient, LetsNobodyAddHeaders) {
  const auto server = echo_server("127.0.0.1:0");
  Client client = client_of(*server);
  const auto reply =
      client.send({.target = "/", .headers = {{"X", "a\r\nX-Wish: nothing"}}, .body = {}});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::invalid_argument);
}

/// All that comes back for these bytes, up to the end of the connection.
std::string ask_unix(const std::string& path, std::string_view bytes) {
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
  EXPECT_EQ(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
  ::shutdown(socket.get(), SHUT_WR);
  std::string all;
  std::array<char, 4096> chunk{};
  for (ssize_t got = 1; got > 0;) {
    got = ::read(socket.get(), chunk.data(), chunk.size());
    if (got > 0) all.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return all;
}

TEST(HttpServer, ARefusalBehindAHeadHasItsBody) {
  const std::string path = "/tmp/reeve-refusal-test-" + std::to_string(::getpid()) + ".sock";
  ServerOptions options;
  options.addresses = {"unix:" + path};
  options.refusal = [](int status, std::string_view) {
    return Response{.status = status, .headers = {}, .body = "because"};
  };
  auto server = Server::open(std::move(options), [](const Request&, const Responder& responder) {
    responder.reply({.status = 200, .headers = {}, .body = "unseen"});
  });
  ASSERT_TRUE(server);
  (*server)->start();
  const std::string all = ask_unix(path, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nno request\r\n\r\n");
  EXPECT_EQ(all.find("unseen"), std::string::npos);
  EXPECT_TRUE(all.ends_with("Content-Length: 7\r\nConnection: close\r\n\r\nbecause")) << all;
}

TEST(HttpClient, GivesUpOnSilence) {
  const std::string path = "/tmp/reeve-silent-test-" + std::to_string(::getpid()) + ".sock";
  ::unlink(path.c_str());
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  ClientOptions options;
  options.timeout = std::chrono::milliseconds{50};
  Client client(*ServerAddress::parse("unix:" + path), options);
  const auto reply = client.send({.target = "/", .headers = {}, .body = {}});
  ::unlink(path.c_str());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
}

TEST(ServerAddress, UnderstandsWhatPeopleWrite) {
  const auto plain = ServerAddress::parse("http://[::1]:80/");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "::1");
  EXPECT_EQ(plain->port, 80);
  EXPECT_TRUE(plain->is_private());
  const auto far = ServerAddress::parse("http://example.org");
  ASSERT_TRUE(far);
  EXPECT_EQ(far->port, 7433);
  EXPECT_FALSE(far->is_private());
  EXPECT_TRUE(ServerAddress::parse("https://example.org:1")->is_private());
  EXPECT_EQ(ServerAddress::parse("unix:///run/x.sock")->unix_path, "/run/x.sock");
  for (const char* const text :
       {"", "example.org", "ftp://a", "http://", "http://a:0", "http://a:99999", "http://a/b",
        "http://user@a", "unix:relative", "http://a\r\nb", "http://a b"})
    EXPECT_FALSE(ServerAddress::parse(text)) << text;
}

Result<Response> read_whole(std::string_view bytes, std::size_t step, std::size_t limit = 1000) {
  ReplyReader reader(true, limit);
  while (!bytes.empty()) {
    const std::size_t count = std::min(step, bytes.size());
    TRY(reader.add(bytes.substr(0, count)));
    bytes.remove_prefix(count);
  }
  TRY(reader.end());
  return reader.take();
}

TEST(ReplyReader, ReadsTheSameInWhateverPieces) {
  constexpr std::string_view kReply =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA:  b \r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n";
  for (std::size_t step = 1; step <= kReply.size(); ++step) {
    const auto reply = read_whole(kReply, step);
    ASSERT_TRUE(reply) << step << ": " << reply.error().text();
    EXPECT_EQ(reply->body, "abc0123456789");
    EXPECT_EQ(reply->headers.front().value, "b");
  }
}

TEST(HttpClient, GivesUpOnAnExchangeThatDripsOn) {
  ServerOptions options;
  options.addresses = {"127.0.0.1:0"};
  std::unique_ptr<Server> server;
  std::function<void(const Stream&)> drip = [&](const Stream& stream) {
    if (!stream.is_open()) return;
    stream.write("x");
    server->after(std::chrono::milliseconds{20}, [&drip, stream] { drip(stream); });
  };
  server =
      *Server::open(std::move(options), [&](const Request& request, const Responder& responder) {
        if (request.path == "/drip")
          return drip(responder.stream({.status = 200, .headers = {}, .body = "x"}));
        responder.reply({.status = 200, .headers = {}, .body = *request.header("host")});
      });
  server->start();
  ClientOptions limited;
  limited.exchange_time = std::chrono::milliseconds{200};
  Client client = client_of(*server, limited);
  const auto reply = client.send({.target = "/drip", .headers = {}, .body = {}});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_NE(reply.error().message.find("in time"), std::string::npos);
  // The next exchange has its own time.
  EXPECT_TRUE(client.send({.target = "/", .headers = {}, .body = {}}));
  server->stop();
}

TEST(ReplyReader, RefusesWhatIsMalformed) {
  for (const std::string_view text :
       {"SSH-2.0\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"})
    EXPECT_FALSE(read_whole(text, text.size())) << text;
  EXPECT_FALSE(
      read_whole("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + std::string(20, 'x'), 1000, 10));
  EXPECT_FALSE(read_whole("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), 100'000));
}

TEST(ReplyReader, KeepsNoLineThatDoesNotEnd) {
  // The size of a chunk, what follows a chunk, and a trailer.
  for (const std::string_view begun : {"", "1\r\na", "0\r\n"}) {
    ReplyReader reader(true, 1000);
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    ASSERT_TRUE(reader.add(head + std::string(begun)));
    bool is_taken = true;
    for (int i = 0; i < 1000 && is_taken; ++i)
      is_taken = reader.add(std::string(1000, '1')).has_value();
    EXPECT_FALSE(is_taken) << begun;
  }
}

/// Bytes at random, and good replies with some bytes changed: whatever comes of it, nothing breaks.
TEST(ReplyReader, SurvivesAnything) {
  constexpr std::string_view kGood =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0";
  std::uint64_t state = 1;
  const auto random = [&state] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 33);
  };
  for (int round = 0; round < 20'000; ++round) {
    std::string text(kGood);
    for (std::size_t i = random() % 6; i > 0; --i)
      text[random() % text.size()] = static_cast<char>(random());
    const auto reply = read_whole(text, 1 + random() % text.size());
    if (!reply) continue;
    EXPECT_LE(reply->body.size(), text.size());
  }
}

}  // namespace
}  // namespace reeve::http
