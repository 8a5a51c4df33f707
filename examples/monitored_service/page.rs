//! The dashboard: one page that needs nothing from elsewhere.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse};

const PAGE: &str = concat!(
    r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="How the customer service is doing, live.">
<title>Customer service</title>
<link rel="icon" href="data:,">
<style>
"#,
    include_str!("page/page.css"),
    "</style>\n</head>\n",
    include_str!("page/page.html"),
    "<script type=\"module\">\n",
    include_str!("page/figures.js"),
    include_str!("page/charts.js"),
    include_str!("page/page.js"),
    "</script>\n</body>\n</html>\n"
);

/// What the page may do: run what is in it, and ask the service that it came from. Nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) async fn dashboard() -> impl IntoResponse {
    const HEADERS: [(HeaderName, HeaderValue); 2] = [
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (HEADERS, Html(PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_from_elsewhere() {
        // The name of the SVG elements is no address that anything is asked of.
        let page = PAGE.replace("http://www.w3.org/2000/svg", "");
        for outside in ["http:", "https:", "src=", "@import", "url(", "import("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn what_the_service_says_is_never_markup() {
        for dangerous in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!PAGE.contains(dangerous), "{dangerous}");
        }
    }
}
