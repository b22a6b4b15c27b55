// c15t has no build for browsers, so that its banner is bundled for the page.
import { ConsentBanner, ConsentDialog, ConsentDialogTrigger, ConsentManagerProvider } from "@c15t/react";
import "@c15t/react/styles.css";
import { createRoot } from "react-dom/client";

const options = {
  mode: "offline",
  consentCategories: ["necessary", "functionality", "measurement", "marketing"],
  overrides: { country: "DE", language: "en" },
};

createRoot(document.getElementById("root")).render(
  <ConsentManagerProvider options={options}>
    <ConsentBanner />
    <ConsentDialog />
    <ConsentDialogTrigger />
  </ConsentManagerProvider>,
);
