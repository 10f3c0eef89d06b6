//! A plot as SVG: milliseconds by rows, with a logarithmic axis for the rows.

use std::fmt;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
/// Margins around the axes.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 48.0;
/// Horizontal grid lines.
const STEPS: u32 = 4;

/// One measurement.
pub(crate) struct Point {
    pub(crate) rows: u64,
    pub(crate) milliseconds: f64,
}

/// Measurements in ascending order of rows, and the limit as a multiple of the first one.
pub(crate) struct Plot<'a> {
    pub(crate) points: &'a [Point],
    pub(crate) bound: f64,
    pub(crate) events: u64,
}

impl Plot<'_> {
    fn bound_milliseconds(&self) -> f64 {
        self.points.first().map_or(0.0, |first| first.milliseconds * self.bound)
    }

    /// A round number above all values.
    fn highest(&self) -> f64 {
        let highest = self.points.iter().map(|point| point.milliseconds).fold(self.bound_milliseconds(), f64::max);
        let step = 10_f64.powf(highest.log10().floor());
        (highest * 1.05 / step).ceil() * step
    }

    fn x(&self, rows: u64) -> f64 {
        let logarithm = |rows: u64| f64::from(u32::try_from(rows).unwrap_or(u32::MAX)).log10();
        let (first, last) = (self.points.first().map_or(1, |point| point.rows), self.points.last().map_or(10, |point| point.rows));
        LEFT + (logarithm(rows) - logarithm(first)) / (logarithm(last) - logarithm(first)).max(f64::EPSILON) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, milliseconds: f64) -> f64 {
        HEIGHT - BOTTOM - milliseconds / self.highest() * (HEIGHT - TOP - BOTTOM)
    }
}

impl fmt::Display for Plot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#)?;
        writeln!(f, r#"<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>"#)?;
        writeln!(f, r#"<text x="{LEFT}" y="22" font-size="14">A cycle with {} events: median milliseconds over rows</text>"#, self.events)?;
        let end = WIDTH - RIGHT;
        for step in 0..=STEPS {
            let milliseconds = self.highest() * f64::from(step) / f64::from(STEPS);
            let y = self.y(milliseconds);
            writeln!(f, r##"<line x1="{LEFT}" y1="{y:.1}" x2="{end}" y2="{y:.1}" stroke="#ddd"/>"##)?;
            writeln!(f, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{milliseconds:.0}</text>"#, LEFT - 8.0, y + 4.0)?;
        }
        let bound = self.y(self.bound_milliseconds());
        writeln!(f, r##"<line x1="{LEFT}" y1="{bound:.1}" x2="{end}" y2="{bound:.1}" stroke="#c33" stroke-dasharray="6 4"/>"##)?;
        writeln!(
            f,
            r##"<text x="{end}" y="{:.1}" text-anchor="end" fill="#c33">wanted: at most {} times the first</text>"##,
            bound - 6.0,
            self.bound
        )?;
        let line: Vec<_> = self.points.iter().map(|point| format!("{:.1},{:.1}", self.x(point.rows), self.y(point.milliseconds))).collect();
        writeln!(f, r##"<polyline points="{}" fill="none" stroke="#26a" stroke-width="2"/>"##, line.join(" "))?;
        for point in self.points {
            let (x, y) = (self.x(point.rows), self.y(point.milliseconds));
            writeln!(f, r##"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="#26a"/>"##)?;
            writeln!(f, r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{:.1}</text>"#, y - 10.0, point.milliseconds)?;
            writeln!(f, r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#, HEIGHT - BOTTOM + 18.0, short(point.rows))?;
        }
        writeln!(f, r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">rows</text>"#, f64::midpoint(LEFT, end), HEIGHT - 10.0)?;
        writeln!(f, "</svg>")
    }
}

fn short(rows: u64) -> String {
    if rows >= 1_000_000 { format!("{} M", rows / 1_000_000) } else { format!("{} k", rows / 1000) }
}
