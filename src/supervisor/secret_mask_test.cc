#include "supervisor/secret_mask.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "supervisor/secret_forms.h"

namespace reeve::supervisor {
namespace {

using testing::Contains;
using testing::Not;
using Texts = std::vector<std::string>;

/// What MaskPatterns promises, in the plainest way.
std::string mask_plainly(const Texts& patterns, std::string_view text) {
  std::vector<bool> covered(text.size());
  for (const std::string& pattern : patterns) {
    if (pattern.size() < kSecretFormBytesMin) continue;
    for (std::size_t at = text.find(pattern); at != std::string_view::npos;
         at = text.find(pattern, at + 1))
      std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(at), pattern.size(), true);
  }
  std::string masked;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!covered[i]) {
      masked.push_back(text[i]);
    } else if (i == 0 || !covered[i - 1]) {
      masked.append(kMask);
    }
  }
  return masked;
}

std::string mask_in_pieces(const MaskPatterns& patterns, std::string_view text,
                           const std::vector<std::size_t>& sizes) {
  MaskedStream stream;
  std::string shown;
  for (std::size_t i = 0; !text.empty(); ++i) {
    const std::size_t size = sizes.empty() ? text.size() : 1 + sizes[i % sizes.size()];
    shown.append(stream.feed(patterns, text.substr(0, size)));
    text.remove_prefix(std::min(size, text.size()));
  }
  return shown.append(stream.finish());
}

std::string masked(const Texts& secrets, std::string_view text) {
  Texts forms;
  for (const std::string& secret : secrets) {
    const Texts more = secret_forms(secret);
    forms.insert(forms.end(), more.begin(), more.end());
  }
  return MaskPatterns(forms).mask(text);
}

TEST(SecretMask, replaces_a_value_in_each_of_its_forms) {
  // What Python and coreutils make of it: base64, quote, quote_plus, json.dumps.
  const std::string secret = "p&ss/w0rd+ \"ü~";
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"x p&ss/w0rd+ \"ü~ y", "x *** y"},
      {"cCZzcy93MHJkKyAiw7x+", "***"},
      {"cCZzcy93MHJkKyAiw7x-", "***"},
      {"cCZzcy93MHJkKyAiw7x+Cg==", "***Cg=="},   // with a line feed after it
      {"VVVwJnNzL3cwcmQrICLDvH5W", "VVV***5W"},  // UU before, V after
      {"VXAmc3MvdzByZCsgIsO8flZW", "VX***lZW"},  // U before, VV after
      {"p%26ss%2Fw0rd%2B%20%22%C3%BC~", "***"},
      {"p%26ss/w0rd%2b%20%22%c3%bc~", "***"},
      {"p%26ss%2Fw0rd%2B+%22%C3%BC%7E", "***"},
      {"p&ss/w0rd+%20%22%C3%BC~", "***"},
      {R"({"k":"p&ss/w0rd+ \"ü~"})", R"({"k":"***"})"},
      {R"(p&ss\/w0rd+ \"\u00fc~)", "***"},
      {R"(p&ss/w0rd+ \"\u00FC~)", "***"},
      {R"(p\u0026ss/w0rd+ \"ü~)", "***"},
      {"p&ss/w0rd+ \"ü", "p&ss/w0rd+ \"ü"},  // a part of it is not it
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(masked({secret}, text), expected) << text;
}

TEST(SecretMask, finds_base64_at_every_place_and_with_every_padding) {
  for (const std::string secret : {"hunter2!", "hunter2!x", "hunter2!xy"}) {
    for (const std::string before : {"", "u", "us", "use"}) {
      for (const std::string after : {"", "\n", "@h", "@ho"}) {
        const std::string all = before + secret + after;
        // The forms of the whole have its own encoding.
        for (const std::string& form : secret_forms(all)) {
          if (form.find_first_of("%\\!") != std::string::npos) continue;
          const std::string shown = masked({secret}, "[" + form + "]");
          EXPECT_THAT(shown, testing::HasSubstr(kMask)) << form;
          EXPECT_LE(shown.size() - 5, 12U) << form << " " << shown;
        }
      }
    }
  }
}

TEST(SecretMask, masks_each_line_of_a_value_with_several) {
  const std::string secret = "-----BEGIN KEY-----\n  abcdefgh\nxyz\n12345\r\n";
  EXPECT_EQ(masked({secret}, "a abcdefgh b\n12345\n"), "a *** b\n***\n");
  EXPECT_EQ(masked({secret}, "xyz"), "xyz") << "too short alone";
  EXPECT_EQ(masked({secret}, "> -----BEGIN KEY-----\n  abcdefgh\nxyz\n12345<"), "> ***<");
  EXPECT_EQ(masked({secret}, "YWJjZGVmZ2g="), "***") << "a line in base64";
}

TEST(SecretMask, masks_base64_that_tools_wrap) {
  std::string secret;
  for (int i = 0; i < 100; ++i) secret.push_back(static_cast<char>('!' + i % 90));
  const Texts forms = secret_forms(secret);
  const auto whole = std::ranges::find_if(forms, [](const std::string& form) {
    return form.starts_with("ISIj") && form.ends_with("==");
  });
  ASSERT_NE(whole, forms.end());
  for (const std::size_t width : {64U, 76U}) {
    std::string wrapped;
    for (std::size_t at = 0; at < whole->size(); at += width)
      wrapped.append(*whole, at, width).append("\n");
    const std::string shown = masked({secret}, wrapped);
    EXPECT_EQ(shown.find_first_not_of("*\n"), std::string::npos) << shown;
  }
}

TEST(SecretMask, short_values_are_not_looked_for) {
  for (const std::string secret : {"", "a", "abc", "abc\n", "\n\n", "a\nb\n"})
    EXPECT_THAT(secret_forms(secret), Not(Contains(testing::SizeIs(testing::Lt(4U))))) << secret;
  EXPECT_EQ(masked({"abc", "", "\n"}, "abc YWJj"), "abc YWJj");
}

TEST(SecretMask, overlapping_values_leave_nothing_of_each_other) {
  const MaskPatterns patterns({"abcd1234", "1234wxyz", "cd12"});
  EXPECT_EQ(patterns.mask("abcd1234wxyz"), "***");
  EXPECT_EQ(patterns.mask("abcd1234abcd1234."), "***.");
  EXPECT_EQ(patterns.mask("abcd123"), "ab***3");
  EXPECT_TRUE(patterns.is_in("--cd12--"));
  EXPECT_TRUE(patterns.is_in("xcdcd12"));
  EXPECT_FALSE(patterns.is_in("cd1 2"));
  EXPECT_FALSE(MaskPatterns({}).is_in("anything"));
}

TEST(SecretMask, shows_at_once_what_cannot_become_a_secret) {
  const MaskPatterns patterns({"secret"});
  MaskedStream stream;
  EXPECT_EQ(stream.feed(patterns, "a line\n"), "a line\n");
  EXPECT_EQ(stream.feed(patterns, "see: se"), "see: ");
  EXPECT_EQ(stream.feed(patterns, "cre"), "");
  EXPECT_EQ(stream.feed(patterns, "am"), "secream");
  EXPECT_EQ(stream.feed(patterns, "secr"), "");
  EXPECT_EQ(stream.feed(patterns, "et"), "***");
  EXPECT_EQ(stream.feed(patterns, "secr"), "");
  EXPECT_EQ(stream.finish(), "secr");
}

RC_GTEST_PROP(SecretMask, does_what_the_plain_search_does_however_it_is_cut, ()) {
  // A small alphabet, so that patterns repeat, overlap and are prefixes of each other.
  const auto text_of = rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c', '\n'));
  const auto patterns = *rc::gen::container<Texts>(text_of);
  const auto text = *rc::gen::scale(8, text_of);
  const auto sizes = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange(0, 9));
  const MaskPatterns masks(patterns);
  const std::string expected = mask_plainly(patterns, text);
  RC_ASSERT(masks.mask(text) == expected);
  RC_ASSERT(mask_in_pieces(masks, text, sizes) == expected);
  RC_ASSERT(masks.is_in(text) == (expected != text));
}

RC_GTEST_PROP(SecretMask, never_shows_a_secret_whatever_surrounds_it, ()) {
  const auto secret =
      *rc::gen::suchThat(rc::gen::container<std::string>(rc::gen::arbitrary<char>()),
                         [](const std::string& s) { return s.size() >= 4; });
  const Texts forms = secret_forms(secret);
  const MaskPatterns masks(forms);
  std::string text = *rc::gen::arbitrary<std::string>();
  for (const std::string& form : forms) text += form + *rc::gen::arbitrary<std::string>();
  const auto sizes = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange(0, 40));
  const std::string shown = mask_in_pieces(masks, text, sizes);
  RC_ASSERT(shown == mask_plainly(forms, text));
  for (const std::string& form : forms)
    if (form.find_first_not_of('*') != std::string::npos)
      RC_ASSERT(shown.find(form) == std::string::npos);
}

}  // namespace
}  // namespace reeve::supervisor
