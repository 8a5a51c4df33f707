//! The page of a picture: its frame and its plain colours, light and dark.
//!
//! The colours are written out and only repeated for dark surroundings, so that a viewer that knows no media queries
//! still shows the light picture.

/// The picture around what was drawn, as an SVG that stands alone. `light` and `dark` are the styles of what only this picture
/// has; the text must have been escaped.
pub(crate) fn page(
    title: &str,
    (width, height): (f64, f64),
    (light, dark): (&str, &str),
    body: &str,
) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">
<title>{title}</title>
<style>
svg {{ font: 13px system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; }}
.paper {{ fill: #ffffff; }}
.title {{ fill: #1c2430; font-size: 16px; font-weight: 600; }}
.text {{ fill: #1c2430; }}
.axis {{ fill: #5b6675; }}
.grid {{ stroke: #dde2e8; }}
.mark {{ stroke: #5b6675; stroke-dasharray: 2 4; }}
.line {{ fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }}
{light}
@media (prefers-color-scheme: dark) {{
  .paper {{ fill: #12161c; }}
  .title, .text {{ fill: #e4e9f0; }}
  .axis {{ fill: #9aa6b5; }}
  .grid {{ stroke: #2b3440; }}
  .mark {{ stroke: #9aa6b5; }}
{dark}
}}
</style>
<rect class=\"paper\" width=\"100%\" height=\"100%\"/>
{body}</svg>
"
    )
}
