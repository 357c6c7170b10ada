// A form whose fields make an address: those that are empty are not in it, and times are in the viewer's zone.
//
//   <form data-filters>  <input type="datetime-local" data-moment="2026-11-23T12:00:00+00:00">  its value is in UTC
//                        <span data-zone-name>(UTC)</span>
const two = (number) => String(number).padStart(2, "0");

/** As a field of dates and times has it. */
function local(moment) {
  const day = [String(moment.getFullYear()).padStart(4, "0"), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  const seconds = moment.getSeconds() ? `:${two(moment.getSeconds())}` : "";
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}${seconds}`;
}

function show(form) {
  for (const field of form.querySelectorAll("[data-moment]")) field.value = local(new Date(field.dataset.moment));
  for (const name of form.querySelectorAll("[data-zone-name]")) name.textContent = `(${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
}

// Of links that have no room side by side, the one that holds is in sight.
for (const one of document.querySelectorAll(".chips [aria-current]")) {
  const box = one.closest(".chips");
  box.scrollLeft += Math.max(0, one.getBoundingClientRect().right - box.getBoundingClientRect().right + 4);
}

for (const form of document.querySelectorAll("form[data-filters]")) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value.trim()) formData.delete(name);
    for (const field of form.querySelectorAll("[type=datetime-local]")) {
      if (!formData.has(field.name)) continue;
      formData.set(field.name, new Date(field.value).toISOString().replace(".000Z", "Z"));
      // Of any time but that of a link.
      formData.delete("within");
    }
  });
  // A page that the browser has kept shows what its address says, not what was typed.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) form.reset();
    show(form);
  });
  show(form);
}
