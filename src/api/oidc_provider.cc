#include "api/oidc_provider.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "api/issuer_link.h"
#include "api/job_queue.h"
#include "security/oidc_keys.h"
#include "security/private_file.h"

namespace reeve::api {
namespace {

using security::OidcKeys;

constexpr std::size_t kProviderJobsMax = 64;
constexpr std::chrono::seconds kJobWaitMax{15};
constexpr std::chrono::milliseconds kIssuerTime{5'000};  ///< also: how long a stop may wait for it
constexpr std::size_t kSubjectBytesMax = 255;            ///< as OpenID Connect has it
constexpr Duration kTokenAgeMax = std::chrono::minutes{10};

/// What is known of one issuer, and how it is asked. The provider's thread only.
class Issuer {
 public:
  Issuer(const SignOnSettings& settings, const std::function<Time()>& now)
      : issuer_(settings.issuer),
        ca_file_(settings.ca_file),
        link_(settings.ca_file, kIssuerTime),
        now_(now) {}

  bool is_of(const SignOnSettings& settings) const {
    return issuer_ == settings.issuer && ca_file_ == settings.ca_file;
  }
  Result<security::OidcEndpoints> find_endpoints();
  Result<security::OidcClaims> check(const std::string& token,
                                     const security::OidcExpectation& expected);
  Result<security::OidcClaims> redeem(const OidcProvider::Redeeming& redeeming);

 private:
  Status fetch_keys(bool is_for_unknown);
  Status make_keys_ready();
  tl::unexpected<Error> away() const;
  Result<std::string> ask_for_token(const OidcProvider::Redeeming& redeeming,
                                    const security::OidcEndpoints& endpoints);

  const std::string issuer_;
  const std::string ca_file_;
  const IssuerLink link_;
  const std::function<Time()>& now_;
  OidcKeys keys_;
  security::OidcRest token_rest_;  ///< of the token endpoint: keys may be away while it is there
  std::string last_failure_;
};

security::OidcExpectation expectation(const SignOnSettings& settings, const std::string& audience,
                                      const std::string& nonce) {
  return {.issuer = settings.issuer,
          .audience = audience,
          .nonce = nonce,
          .age_max = kTokenAgeMax,
          .groups_claim = settings.groups_claim,
          .only_id_tokens = true};
}

tl::unexpected<Error> Issuer::away() const {
  return fail(ErrorCode::unavailable,
              fmt::format("nobody can sign on now, try again in some seconds: {}", last_failure_));
}

Result<security::OidcEndpoints> Issuer::find_endpoints() {
  OidcKeys::Step step = keys_.before_addresses(now_());
  if (step == OidcKeys::Step::fetch) {
    auto fetched = link_.endpoints(issuer_);
    if (fetched) {
      keys_.addresses_fetched(*std::move(fetched), now_());
      return keys_.endpoints();
    }
    last_failure_ = fetched.error().message;
    keys_.failed(now_(), false);
    step = keys_.before_addresses(now_());
  }
  if (step == OidcKeys::Step::use) return keys_.endpoints();
  return away();
}

Status Issuer::fetch_keys(bool is_for_unknown) {
  auto fetched = link_.get(keys_.endpoints().keys);
  if (!fetched) {
    last_failure_ = fetched.error().message;
    keys_.failed(now_(), is_for_unknown);
    return away();
  }
  // A set that is none must not take the place of one that works.
  if (const Status good = security::check_jwks(*fetched); !good) {
    last_failure_ = good.error().message;
    keys_.failed(now_(), is_for_unknown);
    return away();
  }
  keys_.keys_fetched(*std::move(fetched), now_(), is_for_unknown);
  return {};
}

Status Issuer::make_keys_ready() {
  TRY(find_endpoints());
  OidcKeys::Step step = keys_.before_check(now_());
  if (step == OidcKeys::Step::fetch) {
    if (fetch_keys(false)) return {};
    step = keys_.before_check(now_());
  }
  if (step == OidcKeys::Step::use) return {};
  return away();
}

Result<security::OidcClaims> Issuer::check(const std::string& token,
                                           const security::OidcExpectation& expected) {
  TRY(make_keys_ready());
  auto claims = security::check_oidc_token(token, keys_.jwks(), expected, now_());
  const bool is_unknown = !claims && claims.error().code == ErrorCode::not_found;
  if (is_unknown && keys_.after_unknown_key(now_()) == OidcKeys::Step::fetch) {
    TRY(fetch_keys(true));
    claims = security::check_oidc_token(token, keys_.jwks(), expected, now_());
  }
  if (!claims && claims.error().code == ErrorCode::not_found)
    return fail(ErrorCode::unauthenticated, claims.error().message);
  if (!claims && claims.error().code == ErrorCode::invalid_argument)
    return fail(ErrorCode::unavailable, claims.error().message);
  if (!claims) return claims;
  if (claims->subject.size() > kSubjectBytesMax)
    return fail(ErrorCode::unauthenticated,
                "the token of the identity provider is not accepted: its 'sub' is too long");
  return claims;
}

Result<std::string> Issuer::ask_for_token(const OidcProvider::Redeeming& redeeming,
                                          const security::OidcEndpoints& endpoints) {
  const SignOnSettings& settings = redeeming.settings;
  security::FormFields form{{"grant_type", "authorization_code"},
                            {"code", redeeming.code},
                            {"redirect_uri", redeeming.login.redirect},
                            {"code_verifier", redeeming.login.verifier}};
  std::string authorization;
  std::string secret;
  if (!settings.client_secret_file.empty()) {
    auto text = security::read_private_file(settings.client_secret_file);
    if (!text)
      return fail(ErrorCode::unavailable,
                  "the secret of our client cannot be read: auth.oidc.client_secret_file must "
                  "name a file of mode 0600");
    secret = *std::move(text);
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  }
  if (!secret.empty() && endpoints.takes_secret_in_header)
    authorization = security::basic_authorization(settings.client, secret);
  else
    form.emplace_back("client_id", settings.client);
  if (!secret.empty() && !endpoints.takes_secret_in_header)
    form.emplace_back("client_secret", secret);
  const auto reply = link_.post(endpoints.token, form, authorization);
  if (!reply) {
    last_failure_ = reply.error().message;
    token_rest_.failed(now_());
    return away();
  }
  token_rest_.answered();
  return security::read_token_reply(reply->status, reply->body);
}

Result<security::OidcClaims> Issuer::redeem(const OidcProvider::Redeeming& redeeming) {
  TRY_ASSIGN(const security::OidcEndpoints endpoints, find_endpoints());
  const std::string& named = redeeming.named_issuer;
  // RFC 9207: the answer of one provider must not be taken for that of another.
  if ((named.empty() && endpoints.names_itself_in_callback) || (!named.empty() && named != issuer_))
    return fail(ErrorCode::unauthenticated, "the login was answered by another identity provider");
  if (token_rest_.is_on(now_())) return away();
  TRY_ASSIGN(const std::string token, ask_for_token(redeeming, endpoints));
  return check(token,
               expectation(redeeming.settings, redeeming.settings.client, redeeming.login.nonce));
}

}  // namespace

struct OidcProvider::Parts {
  explicit Parts(std::function<Time()> clock) : now(std::move(clock)) {}

  void work();
  Issuer& issuer_of(const SignOnSettings& settings);
  /// Puts a job into the queue; `refuse` comes in its place when there are too many, or too late.
  void add(std::function<void()> run, std::function<void(const Error&)> refuse);

  struct Job {
    std::function<void()> run;
    std::function<void(const Error&)> refuse;
    std::chrono::steady_clock::time_point came;
  };

  const std::function<Time()> now;
  JobQueue<Job> jobs{kProviderJobsMax};
  std::optional<Issuer> issuer;  ///< the thread's only
  std::once_flag begun;
  std::thread thread;  ///< started with the first job
};

void OidcProvider::Parts::work() {
  while (const auto job = jobs.take()) {
    if (std::chrono::steady_clock::now() - job->came > kJobWaitMax)
      job->refuse({ErrorCode::unavailable, "the identity provider is slow: try again", {}});
    else
      job->run();
  }
}

void OidcProvider::Parts::add(std::function<void()> run, std::function<void(const Error&)> refuse) {
  // A service without single sign-on has no thread for it.
  std::call_once(begun, [this] { thread = std::thread([this] { work(); }); });
  Job job{std::move(run), std::move(refuse), std::chrono::steady_clock::now()};
  if (!jobs.put(job))
    job.refuse({ErrorCode::exhausted, "too many people sign on at a time: try again", {}});
}

Issuer& OidcProvider::Parts::issuer_of(const SignOnSettings& settings) {
  if (!issuer || !issuer->is_of(settings)) issuer.emplace(settings, now);
  return *issuer;
}

OidcProvider::OidcProvider(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

std::unique_ptr<OidcProvider> OidcProvider::start(std::function<Time()> now) {
  return std::unique_ptr<OidcProvider>(new OidcProvider(std::make_unique<Parts>(std::move(now))));
}

OidcProvider::~OidcProvider() {
  parts_->jobs.close();
  if (parts_->thread.joinable()) parts_->thread.join();
}

void OidcProvider::find_endpoints(SignOnSettings settings, WithEndpoints then) {
  auto refuse = [then](const Error& why) { then(tl::unexpected(why)); };
  parts_->add([&parts = *parts_, settings = std::move(settings),
               then] { then(parts.issuer_of(settings).find_endpoints()); },
              std::move(refuse));
}

void OidcProvider::redeem(Redeeming redeeming, WithClaims then) {
  auto refuse = [then](const Error& why) { then(tl::unexpected(why)); };
  parts_->add([&parts = *parts_, redeeming = std::move(redeeming),
               then] { then(parts.issuer_of(redeeming.settings).redeem(redeeming)); },
              std::move(refuse));
}

void OidcProvider::check_token(SignOnSettings settings, std::string token, WithClaims then) {
  auto refuse = [then](const Error& why) { then(tl::unexpected(why)); };
  parts_->add(
      [&parts = *parts_, settings = std::move(settings), token = std::move(token), then] {
        const auto expected = expectation(settings, settings.device_client, {});
        auto claims = parts.issuer_of(settings).check(token, expected);
        if (claims && claims->has_nonce)
          claims = fail(ErrorCode::unauthenticated,
                        "the token of the identity provider is not accepted: it is of a login in "
                        "a browser ('nonce')");
        then(claims);
      },
      std::move(refuse));
}

}  // namespace reeve::api
